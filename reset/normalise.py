"""Text normalisation of appendix A.2, and the words of a text in any script.

The paper: "replace spaces around hyphens, slashes, and before 's", then remove articles and punctuation, and lowercase.
As in SQuAD's evaluate-v1.1.py, punctuation is deleted (not replaced by a space) before the articles are. That script
knows ASCII only. Here also:

- Full-width and other compatibility forms become the usual characters (Unicode's NFKC), digits of other scripts become
  0 to 9, case is folded (Straße equals STRASSE, and İzmir izmir), and characters without width, such as soft hyphens
  and zero-width joiners, are removed, as is the stretch of Arabic letters. None decides whether two texts are equal.
- Typographic quotes, dashes and other punctuation are deleted; marks that stand between the words of a script without
  blanks, such as an ideographic comma or Tibetan's tsheg, part words instead.
- Where no blanks part words (Chinese, Japanese, Thai, Lao, Khmer, Burmese ...), they end at the word boundaries of
  Unicode's UAX #29, as the `regex` package finds them: every ideograph and kana is a word, of Thai every letter with
  its marks. So are Korean syllables, because particles follow a Korean noun without a blank, and those of Yi.

All of it takes time linear in the text.
"""

import string
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, pairwise

import regex

ARTICLES = frozenset({"a", "an", "the"})
_TYPOGRAPHIC = str.maketrans(
    "\u2018\u2019\u02bc\u201c\u201d\u201e\u00ab\u00bb\u2010\u2011\u2012\u2013\u2212\u2014\u2044",
    '\'\'\'"""""----- /',  # an em dash separates words, shorter dashes join them; U+2044 is the slash of a fraction
)
_INVISIBLE = regex.compile(r"[\p{Default_Ignorable_Code_Point}\u0640\u07fa]+")  # also the stretch of Arabic and N'Ko
_OTHER_DIGIT = regex.compile(r"[\p{Nd}--[0-9]]", regex.V1)
_PILED_MARKS = regex.compile(r"(\p{M}{30})\p{M}+")  # no language needs more; Unicode's UAX #15 stops there too
_POSSESSIVE = regex.compile(r" 's\b")
_ASCII_PUNCTUATION = dict.fromkeys(map(ord, string.punctuation))
_PUNCTUATION = regex.compile(rf"[\p{{P}}{regex.escape(string.punctuation)}]", regex.V1)
# not what stands inside words: dashes, geresh and the like, and nothing of the blocks that hold Latin punctuation
_PARTING = regex.compile(
    r"[\p{P}--\p{Pd}--[\p{WB=MidLetter}\p{WB=MidNum}\p{WB=MidNumLet}]--[\0-\u058f\u2000-\u2e7f]]", regex.V1
)
_UNPARTED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Line_Break=SA}]"  # SA: of South-East Asia
_SYLLABLE = r"[\p{Hangul}\p{Yi}]"  # UAX #29 ends no word between two of them
_UNPARTED_WORD = regex.compile(rf"{_UNPARTED}|{_SYLLABLE}", regex.V1)
_WORD_EDGE = regex.compile(rf"(?={_UNPARTED})\b|(?<={_UNPARTED})\b", regex.V1 | regex.WORD)
_SYLLABLE_EDGE = regex.compile(rf"(?<={_SYLLABLE})(?=\w)|(?<=\w)(?={_SYLLABLE})")
_LETTER_PER_WORD = regex.compile(r"\p{Line_Break=SA}")
_RUN = regex.compile(r"[\p{L}\p{M}\p{N}]+|\p{Emoji_Presentation}")


def normalise(text: str, *, articles: bool = False) -> str:
    """Normalise `text` to lower-case tokens separated by single spaces; may be empty. `articles` keeps the articles."""
    words = _plain(text).split()
    return " ".join(words if articles else [word for word in words if word not in ARTICLES])


def comparable(text: str) -> str:
    """Return what decides whether two texts are equal; empty for a blank text alone.

    That is the normalised text; of a text that this leaves nothing of, its articles ("A" as a choice), and of one
    without words the text as it was.
    """
    return normalise(text) or normalise(text, articles=True) or " ".join(_folded(text).split())


def only_articles(text: str) -> bool:
    """Whether `text` has words, and all are articles: normalising leaves nothing of "A", the letter of a choice."""
    return not normalise(text) and bool(normalise(text, articles=True))


def has_span(answer: str, text: str) -> bool:
    """Whether the normalised `answer` is a sequence of whole tokens in the normalised `text`.

    False for an answer of only articles and punctuation, which is empty when normalised.
    """
    return bool(normalise(answer)) and span_finder([answer])(text)


def span_finder(answers: Iterable[str], *, whole_tokens: bool = True) -> Callable[[str], bool]:
    """Return a function that says whether a text contains one of `answers`, which are normalised only once.

    An answer of articles alone ("A" as a choice) is looked for in the text with its articles; one without words is in
    no text. Without `whole_tokens`, "party" contains "art".
    """
    edge = " " if whole_tokens else ""
    texts = list(answers)
    spans = [f"{edge}{span}{edge}" for span in map(normalise, texts) if span]
    choices = [f" {normalise(text, articles=True)} " for text in texts if only_articles(text)]

    def contains_answer(text: str) -> bool:
        padded = f" {normalise(text)} "
        if any(span in padded for span in spans):
            return True
        return bool(choices) and any(span in f" {normalise(text, articles=True)} " for span in choices)

    return contains_answer


def nfkc(text: str) -> str:
    """Return Unicode's NFKC of `text`, of whose piled-up marks 30 are kept: sorting them takes the square of them."""
    return text if text.isascii() else unicodedata.normalize("NFKC", _PILED_MARKS.sub(r"\1", text))


def rouge_words(text: str) -> list[str]:
    """Return the words that ROUGE counts: runs of letters and digits, in lower case, and emoji.

    Of ASCII text they are those of rouge-score's tokenizer. Where no blanks part words, see above; Korean words are
    left whole. Letters of Thai, Lao, Khmer and Burmese count in pairs of neighbours, because single ones are so few
    that any two texts would have half of them in the same order.
    """
    plain = text.lower() if text.isascii() else _folded(text)
    runs: list[str] = _RUN.findall(plain if text.isascii() else _WORD_EDGE.sub(" ", plain))
    if text.isascii() or not _LETTER_PER_WORD.search(plain):
        return runs
    return [word for run in _RUN.findall(plain) for word in _in_pairs(_WORD_EDGE.sub(" ", run).split())]


def _in_pairs(words: Iterable[str]) -> Iterator[str]:
    for single, group in groupby(words, lambda word: bool(_LETTER_PER_WORD.match(word))):
        own = list(group)
        yield from (a + b for a, b in pairwise(own)) if single and len(own) > 1 else own


def _folded(text: str) -> str:
    """Return `text` in lower case, without characters of no width, each character in its usual form."""
    if text.isascii():
        return text.lower()
    # U+00B4, an accent used as an apostrophe, would become a blank and a mark
    plain = nfkc(_INVISIBLE.sub("", text).replace("\u00b4", "'")).translate(_TYPOGRAPHIC).casefold()
    plain = plain.replace("i\u0307", "i")  # what folding makes of the Turkish capital with a dot
    return str(_OTHER_DIGIT.sub(lambda digit: str(unicodedata.digit(digit[0], digit[0])), plain))


def _plain(text: str) -> str:
    """Return `text` as A.2 has it, articles included; words are separated by blanks."""
    plain = _folded(text)
    if "-" in plain or "/" in plain or "'s" in plain:  # most passages have none of them
        plain = " ".join(plain.split())  # a run of blanks would be searched from each of its blanks
        plain = plain.replace(" -", "-").replace("- ", "-").replace(" /", "/").replace("/ ", "/")
        plain = _POSSESSIVE.sub("'s", plain)
    if plain.isascii():
        return plain.translate(_ASCII_PUNCTUATION)
    plain = _PUNCTUATION.sub("", _PARTING.sub(" ", plain))
    return str(_SYLLABLE_EDGE.sub(" ", _WORD_EDGE.sub(" ", plain))) if _UNPARTED_WORD.search(plain) else plain
