"""Text normalisation of appendix A.2, shared by the data filters and the judges of extractive answers.

The paper: "replace spaces around hyphens, slashes, and before 's", then remove articles and punctuation, and lowercase.
As in SQuAD's evaluate-v1.1.py, punctuation is deleted (not replaced by a space) before the articles are. That script
deletes ASCII punctuation only; this one also deletes typographic quotes, dashes and CJK punctuation.
"""

import re
import string
import unicodedata
from collections.abc import Callable, Iterable

_TYPOGRAPHIC = str.maketrans(
    "\u2018\u2019\u2010\u2011\u2012\u2013\u2212\u2014",
    "''----- ",  # an em dash separates words, shorter dashes join them
)
_HYPHEN_OR_SLASH = re.compile(r"\s*([-/])\s*")
_POSSESSIVE = re.compile(r"\s+'s\b")
ARTICLES = frozenset({"a", "an", "the"})
_ARTICLES = re.compile(rf"\b({'|'.join(sorted(ARTICLES))})\b")
_PUNCTUATION = dict.fromkeys(
    [*map(ord, string.punctuation)]
    + [code for code in range(0x3100) if unicodedata.category(chr(code)).startswith("P")]
)


def normalise(text: str) -> str:
    """Normalise `text` to lower-case tokens separated by single spaces; may be empty."""
    text = (text if text.isascii() else unicodedata.normalize("NFC", text).translate(_TYPOGRAPHIC)).lower()
    if "-" in text or "/" in text:  # the regular expressions are slow, and most passages need none of them
        text = _HYPHEN_OR_SLASH.sub(r"\1", text)
    if "'s" in text:
        text = _POSSESSIVE.sub("'s", text)
    text = text.translate(_PUNCTUATION)
    if text.isascii():  # only whitespace separates words here, so a split finds the articles, which is faster
        return " ".join([word for word in text.split() if word not in ARTICLES])
    return " ".join(_ARTICLES.sub(" ", text).split())


def has_span(answer: str, text: str) -> bool:
    """Whether the normalised `answer` is a sequence of whole tokens in the normalised `text`.

    False for an answer of only articles and punctuation, which is empty when normalised.
    """
    return span_finder([answer])(text)


def span_finder(answers: Iterable[str], *, whole_tokens: bool = True) -> Callable[[str], bool]:
    """Return a function that says whether a text contains one of `answers`, which are normalised only once.

    Without `whole_tokens`, "party" contains "art".
    """
    edge = " " if whole_tokens else ""
    spans = [f"{edge}{span}{edge}" for span in map(normalise, answers) if span]

    def contains_answer(text: str) -> bool:
        padded = f" {normalise(text)} "
        return any(span in padded for span in spans)

    return contains_answer
