"""Rate replies by their similarity to the reference: a stand-in for an LLM judge in rehearsals, not for results.

`rating` is the F-measure of rouge-score's rougeL without stemming, best over the references (the option that the paper
leaves open for instruction data: docs/choices.md, A17). `rating_weak` is coarser: the share of a reference's distinct
words that the reply contains, after the normalisation of A.2, best over the references.
"""

from collections.abc import Iterator, Sequence

from reset.judges import Answer, Verdict
from reset.normalise import normalise
from reset.runs.lean_imports import without

with without("scipy", "sklearn"):
    from rouge_score.rouge_scorer import RougeScorer

_rouge = RougeScorer(["rougeL"], use_stemmer=False)


def likeness(text: str, references: Sequence[str]) -> float:
    """Highest ROUGE-L F-measure against any reference."""
    return max(float(_rouge.score(reference, text)["rougeL"].fmeasure) for reference in references)


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
            for name, score in (("rating", likeness), ("rating_weak", recall)):
                if references:
                    yield Verdict(answer.answer_id, name, score(answer.text, references))
                else:
                    yield Verdict(answer.answer_id, name, None, "the example has no reference")
