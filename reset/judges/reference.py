"""Rate replies by their similarity to the reference: a stand-in for an LLM judge in rehearsals, not for results.

`rating` is ROUGE-L, best over the references (the option that the paper leaves open for instruction data:
docs/choices.md, A17). `rating_weak` is coarser: the share of a reference's distinct words that the reply contains,
after the normalisation of A.2, best over the references.
"""

from collections.abc import Iterator, Sequence

from reset.judges import Answer, Verdict
from reset.judges.rouge import rouge_l
from reset.normalise import normalise


def recall(text: str, references: Sequence[str]) -> float:
    """Highest share of a reference's distinct words that `text` contains."""
    text_words = set(normalise(text).split())
    reference_words = [set(normalise(reference).split()) for reference in references]
    return max(len(words & text_words) / len(words) for words in reference_words)


class Reference:
    """Range [0, 1]; null where the example has no reference, as in Vicuna-eval and Koala-eval."""

    tasks = frozenset({"instruction"})

    def __init__(self, *, name: str) -> None:
        self._name = name

    def verdicts(self, answers: Sequence[Answer]) -> Iterator[Verdict]:
        """Yield `rating` and `rating_weak` for each answer."""
        for answer in answers:
            references = [reference for reference in answer.references if normalise(reference)]
            for name, score in (("rating", rouge_l), ("rating_weak", recall)):
                points = score(answer.text, references) if references else None
                reason = "the reference has no words" if answer.references else "the example has no reference"
                yield Verdict(answer.answer_id, name, points, reason if points is None else None)
