"""Rubric: what the micro world itself knows of an answer: no model judges here.

A reply to an instruction is rated by the verifiable constraints that its example carries. An answer grounded in a text
gets the verdict `oracle`: the share of its sentences that some sentence of the text entails. It takes no part in
selection and watches the NLI judge, which does.

Scores are the rating of 1 to 10 divided by 10, like the LLM judge's. `rating_weak` stands for the weaker rater of
ReSet-S (paper 5.1): of the same rating it only sees whether all constraints hold, so it misses many good answers.
"""

from collections.abc import Iterator, Sequence

from reset.judges import Answer, Verdict
from reset.micro.checks import rating
from reset.micro.facts import support


class Rubric:
    """Ratings lie in [0.1, 1.0], null for an example without checks; `oracle` lies in [0, 1]."""

    tasks = frozenset({"instruction", "abstractive_qa", "summarization"})

    def __init__(self, *, name: str) -> None:
        self._name = name

    def verdicts(self, answers: Sequence[Answer]) -> Iterator[Verdict]:
        """Yield `rating` and `rating_weak` for a reply, `oracle` for a grounded answer."""
        for answer in answers:
            if answer.task == "instruction":
                yield from _rated(answer)
            else:
                share = support(answer.text, " ".join(answer.passages))
                yield Verdict(answer.answer_id, "oracle", share or 0.0, "empty answer" if share is None else None)


def _rated(answer: Answer) -> Iterator[Verdict]:
    if answer.checks is None:
        for name in ("rating", "rating_weak"):
            yield Verdict(answer.answer_id, name, None, "the example carries no checks")
        return
    points = rating(answer.text, answer.checks)
    yield Verdict(answer.answer_id, "rating", points / 10, detail={"rating": points})
    yield Verdict(answer.answer_id, "rating_weak", 1.0 if points == 10 else 0.1, detail={"rating": points})
