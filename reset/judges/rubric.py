"""Rubric: judges answers of the micro world by its own rules, without a model.

A reply to an instruction is rated by the verifiable constraints of its example. An answer to a grounded task gets the
verdict `oracle`: the share of its sentences that some sentence of the passages entails. Selection does not use it; it
is there to check the NLI judge, which selection does use.

Scores are ratings from 1 to 10 divided by 10, like those of the LLM judge. `rating_weak` stands for the weaker rater of
ReSet-S (paper 5.1): it only tells whether all constraints hold, so it misses many good answers.

Null, with a reason: an example without checks, and passages that state no fact of the micro world, whose rules say
nothing of other texts.
"""

from collections.abc import Iterator, Sequence

from reset.judges import Answer, Verdict
from reset.micro.checks import rating
from reset.micro.facts import read, sentences, support


class Rubric:
    """Ratings are in [0.1, 1.0], `oracle` is in [0, 1]."""

    tasks = frozenset({"instruction", "abstractive_qa", "summarization"})

    def __init__(self, *, name: str) -> None:
        self._name = name

    def verdicts(self, answers: Sequence[Answer]) -> Iterator[Verdict]:
        """Yield `rating` and `rating_weak` for a reply, `oracle` for a grounded answer."""
        for answer in answers:
            if answer.task == "instruction":
                yield from _ratings(answer)
            else:
                yield _oracle(answer)


def _oracle(answer: Answer) -> Verdict:
    context = " ".join(answer.passages)
    if not any(map(read, sentences(context))):
        return Verdict(answer.answer_id, "oracle", None, "the passages state no fact of the micro world")
    share = support(answer.text, context)
    return Verdict(answer.answer_id, "oracle", share or 0.0, "empty answer" if share is None else None)


def _ratings(answer: Answer) -> Iterator[Verdict]:
    checks = answer.checks or {}
    if "family" not in checks:  # none, or those of another source
        for name in ("rating", "rating_weak"):
            yield Verdict(answer.answer_id, name, None, "the example carries no checks")
        return
    points = rating(answer.text, checks)
    yield Verdict(answer.answer_id, "rating", points / 10, detail={"rating": points})
    yield Verdict(answer.answer_id, "rating_weak", 1.0 if points == 10 else 0.1, detail={"rating": points})
