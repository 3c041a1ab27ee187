"""ROUGE-L as the judges use it: rouge-score's rougeL without stemming, over words of any script.

rouge-score's own tokenizer reads Latin letters and digits only, so that texts in any other script would share nothing
but their digits. On ASCII text the figures are rouge-score's. Its table of the longest common subsequence has a cell
for each pair of words; here a row of the table is one integer, so that a reference of a book's length is read too.
"""

from collections.abc import Sequence

from reset.normalise import rouge_words
from reset.runs.lean_imports import without

with without("scipy", "sklearn"):
    from rouge_score.scoring import fmeasure


def rouge_l(text: str, references: Sequence[str]) -> float | None:
    """Return the highest F-measure against any reference, in [0, 1]; None if no reference has a word."""
    words = rouge_words(text)
    readable = [found for found in map(rouge_words, references) if found]
    return max((_f_measure(words, reference) for reference in readable), default=None)


def _f_measure(words: Sequence[str], reference: Sequence[str]) -> float:
    if not words:
        return 0.0
    common = common_subsequence(words, reference)
    return float(fmeasure(common / len(words), common / len(reference)))


def common_subsequence(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the length of the longest common subsequence (Hyyro 2004, "Bit-parallel LCS-length computation")."""
    places: dict[str, int] = {}  # word -> a bit for each of its places in `one`
    for place, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << place
    every = (1 << len(one)) - 1
    row = every  # a bit is 0 where the subsequence grows
    for word in other:
        if found := row & places.get(word, 0):
            row = (row + found | row - found) & every
    return len(one) - row.bit_count()
