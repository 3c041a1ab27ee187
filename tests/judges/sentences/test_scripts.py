"""Which scripts a tokenizer knows: those of which it has many words, or all if it has no words at all."""

import pytest

from reset.judges.sentences.scripts import IDEOGRAPHS, MANY, Scripts, script


class Tokenizer:
    """As much of a tokenizer as is looked at: its tokens."""

    def __init__(self, tokens):
        self._tokens = tokens

    def __len__(self):
        return len(self._tokens)

    def batch_decode(self, numbers):
        return [self._tokens[number] for (number,) in numbers]


def letters(start, count):
    return [chr(start + number) for number in range(count)]


LATIN = [f"{a}{b}{c}" for a in "abcdefghijklmnopqrstuvwxyz" for b in "abcdefghijklmnopqrst" for c in "abcdefghij"]
CYRILLIC = [a + b for a in letters(0x430, 32) for b in letters(0x430, 32)]
HAN = letters(0x4E00, IDEOGRAPHS)
KANA = letters(0x3042, 60)
ENGLISH = [*LATIN, *letters(0x430, 32), *HAN[:400], *KANA, *letters(0xE01, 40)]  # with single letters of other scripts


@pytest.mark.parametrize(
    ("tokens", "known"),
    [
        (ENGLISH, {"LATIN"}),
        ([*ENGLISH, *CYRILLIC[: MANY + 30]], {"LATIN", "CYRILLIC"}),
        ([*LATIN, *HAN, *KANA], {"LATIN", "CJK"}),
        ([" the", "##cat", "sat", "\u5317"], {"LATIN", "CJK"}),  # a small vocabulary: by their share
        ([" the", "", "[PAD]", "1", "!"], {"LATIN"}),
        (list("abc\u5317\ufffd"), None),  # bytes and characters tell nothing
        ([], None),
    ],
)
def test_a_script_is_known_by_its_many_words_or_ideographs(tokens, known):
    assert Scripts(Tokenizer(tokens)).known == known


@pytest.mark.parametrize(
    ("text", "unread"),
    [
        ("plain English, 1950", None),
        ("", None),
        ("1950 \U0001f44d", None),
        ("the caf\u00e9 of Mr. \u5317\u4eac", None),  # a name in another script is no other language
        ("\u5317\u4eac\u5927\u5b66 in \u5317\u4eac", "CJK"),
        ("\u3042\u306e\u3068\u304d", "CJK"),
        ("\u0437\u0430\u0432\u043e\u0434", "CYRILLIC"),
        ("\u0e17\u0e35\u0e48\u0e19\u0e35\u0e48", "THAI"),
        ("\uff34\uff48\uff45 \uff43\uff41\uff54", None),  # full-width letters are letters
    ],
)
def test_a_text_is_unread_if_most_of_its_letters_are_of_unknown_scripts(text, unread):
    assert Scripts(Tokenizer(ENGLISH)).unread(text) == unread
    assert Scripts(Tokenizer(ENGLISH), anything=True).unread(text) is None


def test_an_english_text_is_unread_to_a_model_of_another_script():
    assert Scripts(Tokenizer([*CYRILLIC, *"abcdefgh"])).unread("plain English") == "LATIN"


@pytest.mark.parametrize(
    ("letter", "name"), [("a", "LATIN"), ("\u00df", "LATIN"), ("\u30f3", "CJK"), ("\uac00", "HANGUL")]
)
def test_a_letter_tells_its_script(letter, name):
    assert script(letter) == name
