"""Which scripts a model can read: those that its tokenizer has enough words or parts of words of.

A model that was trained on English reads Chinese or Thai as unknown tokens, single letters or bytes, and still gives a
probability. Its tokenizer tells: each script that it learned from text has hundreds of tokens of several letters, or
thousands of ideographs. A tokenizer without any such token (bytes, characters) tells nothing, and counts as one that
reads all. A language that shares its script with one that the model knows cannot be told apart in this way.
"""

import unicodedata
from collections import Counter
from functools import cache, cached_property
from typing import Any

from reset.judges import Answer
from reset.judges.sentences.texts import source
from reset.normalise import nfkc

MANY, IDEOGRAPHS = 500, 2000  # tokens that make a script known: multilingual models have more, English ones fewer
SHARE = 0.1  # or this share of the tokens, for small vocabularies
_EAST_ASIAN = frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "IDEOGRAPHIC"})


@cache
def script(letter: str) -> str:
    """Return the script of a letter, as the first word of its Unicode name; ideographs and kana are one, CJK."""
    name = unicodedata.name(letter, "UNKNOWN").partition(" ")[0]
    return "CJK" if name in _EAST_ASIAN else name


class Scripts:
    """The scripts that a tokenizer knows, counted when first asked for; `anything` says that it reads all."""

    def __init__(self, tokenizer: Any, *, anything: bool = False) -> None:
        self._tokenizer, self._anything = tokenizer, anything

    @cached_property
    def known(self) -> frozenset[str] | None:
        """The known scripts; None for all."""
        if self._anything:
            return None
        numbers = [[number] for number in range(len(self._tokenizer))]
        tokens = {"".join(filter(str.isalpha, token)) for token in self._tokenizer.batch_decode(numbers)} - {""}
        if all(len(token) == 1 for token in tokens):
            return None
        counts = Counter(script(token[0]) for token in tokens if len(token) > 1 or script(token) == "CJK")
        least = {name: IDEOGRAPHS if name == "CJK" else MANY for name in counts}
        return frozenset(name for name, count in counts.items() if count >= min(least[name], SHARE * len(tokens)))

    def unread(self, text: str) -> str | None:
        """Return the script of most letters of `text` if the tokenizer knows too few of them; None if it reads it."""
        if self.known is None or (text.isascii() and "LATIN" in self.known):
            return None
        counts = Counter(script(letter) for letter in nfkc(text) if letter.isalpha())
        unknown = {name: count for name, count in counts.items() if name not in self.known}
        if 2 * sum(unknown.values()) <= counts.total():
            return None
        return max(unknown, key=lambda name: unknown[name])


def unjudged(answer: Answer, scripts: Scripts) -> str | None:
    """Return why a model cannot judge `answer`: no passage, no words, or a script that it does not know; else None.

    An empty answer is judged: it says nothing.
    """
    if not answer.passages:
        return "the example has no passage"
    if answer.text.strip() and not any(map(str.isalnum, answer.text)):
        return "the answer has no words"
    unread = scripts.unread(answer.text) or scripts.unread(source(answer))
    return f"language: the model's tokenizer knows too little of the script {unread}" if unread else None
