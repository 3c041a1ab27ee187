"""ROUGE-L as the judges use it: rouge-score's rougeL without stemming, over words of any script.

rouge-score's own tokenizer reads Latin letters and digits only, so that texts in any other script would share nothing
but their digits. On ASCII text the figures are rouge-score's.
"""

from collections.abc import Sequence

from reset.normalise import rouge_words
from reset.runs.lean_imports import without

with without("scipy", "sklearn"):
    from rouge_score.rouge_scorer import RougeScorer


class _Words:
    """The tokenizer that `RougeScorer` asks for."""

    def tokenize(self, text: str) -> list[str]:
        """Return the words of `text`."""
        return rouge_words(text)


_scorer = RougeScorer(["rougeL"], tokenizer=_Words())


def rouge_l(text: str, references: Sequence[str]) -> float | None:
    """Return the highest F-measure against any reference, in [0, 1]; None if no reference has a word."""
    readable = [reference for reference in references if rouge_words(reference)]
    return max((float(_scorer.score(reference, text)["rougeL"].fmeasure) for reference in readable), default=None)
