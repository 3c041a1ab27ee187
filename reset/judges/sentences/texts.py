"""Texts for faithfulness judges: the source that must support an answer, and sentence splitters.

A line break always ends a sentence. Within a line NLTK's Punkt splits; it knows only full stops, question marks and
exclamation marks before a blank. So its sentences are split further where they hold

- the sentence ends of other scripts (`。`, `।`, `؟` ...), with the closing quotes and brackets behind them, as in
  rules SB9 to SB11 of Unicode's UAX #29;
- `.`, `?` or `!` between ideographs, kana and the like, which no blank follows;
- a blank between two Thai or Lao letters: these scripts have no full stop and no blanks between words.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import regex

from reset.errors import ResetError, nearest
from reset.judges import Answer
from reset.runs.lean_imports import without

with without("scipy", "sklearn"):
    import nltk

SPLITTERS = ("untrained", "english", "punkt_tab")
ABBREVIATIONS = frozenset(  # of English, in lower case without the last full stop, as Punkt keeps them
    "mr mrs ms mx dr prof rev hon st jr sr gen col maj capt cmdr lt sgt cpl adm gov sen rep pres supt det insp "
    "jan feb mar apr jun jul aug sept sep oct nov dec mon tue tues wed thu thurs fri "
    "u.s u.k u.n e.u u.a.e d.c l.a n.y a.m p.m b.c a.d ph.d m.d b.a m.a e.g i.e etc vs cf al ca approx viz "
    "inc ltd co corp bros plc llc dept univ assn est fig figs vol vols pp ed eds ft mt ave blvd rd messrs".split()
)
_UNPARTED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Line_Break=SA}]"  # written without blanks between words
_LETTER = r"[[\p{Thai}\p{Lao}]&&[\p{L}\p{M}]--[ๆฯໆຯ]]"  # not the marks of repetition and abbreviation
_END = regex.compile(
    rf"""
    ([[\p{{SB=STerm}}\u0f0d\u0f0e]--[?!]] | [\p{{SB=ATerm}}--[.]](?!\p{{Nd}}))
    [\p{{SB=STerm}}\p{{SB=ATerm}}]*\p{{SB=Close}}*[ ]*
    | (?<={_UNPARTED})[.?!]+\p{{SB=Close}}*(?={_UNPARTED})
    | (?<={_LETTER})[ ]+(?={_LETTER})
    """,
    regex.V1 | regex.VERBOSE,
)


class Splitter:
    """A sentence tokenizer: Punkt, and the rules above."""

    def __init__(self, punkt: Any) -> None:
        self._punkt = punkt

    def tokenize(self, text: str) -> list[str]:
        """Return the sentences of `text`, without the blanks between them."""
        lines = (self._punkt.tokenize(line) for line in text.splitlines() if line.strip())
        return [sentence for line in lines for piece in line for sentence in _split(piece)]


def _split(piece: str) -> list[str]:
    """Split what is one sentence to Punkt at the ends that it does not know."""
    if piece.isascii():
        return [piece]
    ends = [match.end() for match in _END.finditer(piece)]
    if not ends:
        return [piece]
    sentences = (piece[start:end].strip() for start, end in pairwise([0, *ends, len(piece)]))
    return [sentence for sentence in sentences if sentence]


def width(text: str) -> int:
    """Return the length of `text`, in which a wide character, such as an ideograph or a kana, counts twice."""
    return len(text) if text.isascii() else sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def long_enough(sentences: Iterable[str], text: str) -> list[str]:
    """Return the `sentences` of `text` of more than ten characters; if there are none, the whole text, if it has one.

    Ideographs count twice: ten of them are a whole sentence.
    """
    whole = text.strip()
    return [sentence for sentence in sentences if width(sentence) > 10] or ([whole] if whole else [])


def windows(sentences: Sequence[str], size: int) -> list[str]:
    """Join each `size` sentences in a row; all, if there are no more."""
    starts = range(max(len(sentences) - size, 0) + 1) if sentences else range(0)
    return [" ".join(sentences[start : start + size]) for start in starts]


def source(answer: Answer) -> str:
    """Return the text that must support the answer: the passages, for QA after the question (paper 2.2)."""
    return "\n".join([answer.question, *answer.passages] if answer.question else answer.passages)


def splitter(name: str) -> Splitter:
    """Return the splitter whose Punkt is `untrained`, knows the `ABBREVIATIONS` of English, or is trained: `punkt_tab`.

    Only the last needs a download. Raises `ResetError` for another name, and if that is not there.
    """
    if name not in SPLITTERS:
        raise ResetError(f"Unknown sentence splitter '{name}'. {nearest(name, SPLITTERS)}")
    if name == "untrained":
        return Splitter(nltk.tokenize.PunktSentenceTokenizer())
    if name == "english":
        parameters = nltk.tokenize.punkt.PunktParameters()
        parameters.abbrev_types = set(ABBREVIATIONS)
        return Splitter(nltk.tokenize.PunktSentenceTokenizer(parameters))
    try:
        return Splitter(nltk.tokenize.PunktTokenizer("english"))
    except LookupError as error:
        hint = "run `python -m nltk.downloader punkt_tab`, or set the splitter to english"
        raise ResetError(f"NLTK's punkt_tab is not installed: {hint}") from error
