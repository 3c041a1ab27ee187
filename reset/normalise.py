"""Text normalisation of appendix A.2, shared by the data filters and the judges of extractive answers.

The paper: "replace spaces around hyphens, slashes, and before 's", then remove articles and punctuation, and lowercase.
As in SQuAD's evaluate-v1.1.py, punctuation is deleted rather than blanked and goes before the articles; that script
knows ASCII punctuation only, this one also the typographic quotes, dashes and CJK marks of Unicode.
"""

import re
import string
import unicodedata
from collections.abc import Callable, Iterable

_TYPOGRAPHIC = str.maketrans(
    "\u2018\u2019\u2010\u2011\u2012\u2013\u2212\u2014",
    "''----- ",  # an em dash parts words, the shorter ones join them
)
_AROUND = re.compile(r"\s*([-/])\s*")
_POSSESSIVE = re.compile(r"\s+'s\b")
ARTICLES = frozenset({"a", "an", "the"})
_ARTICLES = re.compile(rf"\b({'|'.join(sorted(ARTICLES))})\b")
_PUNCTUATION = dict.fromkeys(
    [*map(ord, string.punctuation)]
    + [code for code in range(0x3100) if unicodedata.category(chr(code)).startswith("P")]
)


def normalise(text: str) -> str:
    """Normalise `text` to lower-case tokens parted by single blanks; may be empty."""
    text = (text if text.isascii() else unicodedata.normalize("NFC", text).translate(_TYPOGRAPHIC)).lower()
    if "-" in text or "/" in text:  # these searches are slow, and most passages need none of them
        text = _AROUND.sub(r"\1", text)
    if "'s" in text:
        text = _POSSESSIVE.sub("'s", text)
    text = text.translate(_PUNCTUATION)
    if text.isascii():  # nothing but blanks parts words there: faster than the search
        return " ".join([word for word in text.split() if word not in ARTICLES])
    return " ".join(_ARTICLES.sub(" ", text).split())


def has_span(answer: str, text: str) -> bool:
    """Say whether the normalised `answer` is a run of whole tokens of the normalised `text`.

    An answer of nothing but articles and punctuation is no span of anything.
    """
    return span_finder([answer])(text)


def span_finder(answers: Iterable[str], *, whole_tokens: bool = True) -> Callable[[str], bool]:
    """Return what says of a text whether one of `answers` is a span of it; the answers are normalised once.

    With `whole_tokens` off, "art" is a span of "party".
    """
    edge = " " if whole_tokens else ""
    spans = [f"{edge}{span}{edge}" for span in map(normalise, answers) if span]

    def holds(text: str) -> bool:
        padded = f" {normalise(text)} "
        return any(span in padded for span in spans)

    return holds
