"""Sentences: Punkt's within a line, and the ends that it does not know."""

import json

import nltk
import pytest

from reset import params
from reset.errors import ResetError
from reset.judges.sentences.texts import splitter, width
from tests.support import SHARED
from tests.support.pace import at_most

pytestmark = pytest.mark.slow

PUNKT = nltk.tokenize.PunktSentenceTokenizer()


def split(text):
    return splitter("untrained").tokenize(text)


@pytest.mark.parametrize(
    "text",
    [
        "The cat sat. The dog slept!  Why? No.",
        "U.S. President Bush met Dr. Ng at 3.5 p.m. He left.",
        'He said "No." (Yes.) And so on...  Then what?!',
        "  led by blanks. x ",
        "caf\u00e9. Th\u00e9. \u201cEnd.\u201d Next",
        "",
    ],
)
def test_a_line_of_latin_text_is_split_as_punkt_does(text):
    assert split(text) == PUNKT.tokenize(text)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Where is it\nThe pump is old. It leaks", ["Where is it", "The pump is old.", "It leaks"]),
        ("a\r\n\r\n \nb\u2028c", ["a", "b", "c"]),
        (
            "\u6c34\u6cf5\u3002\u65e7\u7684\uff01\u5417\uff1f",
            ["\u6c34\u6cf5\u3002", "\u65e7\u7684\uff01", "\u5417\uff1f"],
        ),
        ("\u300c\u306f\u3044\u3002\u300d\u6b21", ["\u300c\u306f\u3044\u3002\u300d", "\u6b21"]),  # a closing quote stays
        ("\u4ef73.5\u5143.\u597d!\u5417", ["\u4ef73.5\u5143.", "\u597d!", "\u5417"]),
        ("\uff11\uff0e\uff15\u500d\uff0e\u6b21", ["\uff11\uff0e\uff15\u500d\uff0e", "\u6b21"]),
        ("\u092f\u0939\u0964 \u0935\u0939\u0965", ["\u092f\u0939\u0964", "\u0935\u0939\u0965"]),
        (
            "\u0645\u0627\u061f \u0644\u0627\u06d4 \u0646\u0639\u0645",
            ["\u0645\u0627\u061f", "\u0644\u0627\u06d4", "\u0646\u0639\u0645"],
        ),
        # Thai and Lao: a blank between two letters, but not before a number or a mark of repetition
        ("\u0e01\u0e32 \u0e02\u0e32 5 \u0e04\u0e19", ["\u0e01\u0e32", "\u0e02\u0e32 5 \u0e04\u0e19"]),
        ("\u0e15\u0e48\u0e32\u0e07 \u0e46 \u0e01\u0e31\u0e19", ["\u0e15\u0e48\u0e32\u0e07 \u0e46 \u0e01\u0e31\u0e19"]),
        ("\u0e9b\u0eb5 \u0e9b\u0eb2", ["\u0e9b\u0eb5", "\u0e9b\u0eb2"]),
        ("\u1780\u17d4 \u1781\u17d4", ["\u1780\u17d4", "\u1781\u17d4"]),
    ],
)
def test_line_breaks_and_the_ends_of_other_scripts_end_a_sentence(text, sentences):
    assert split(text) == sentences


@pytest.mark.parametrize("piece", ["\u3002", "\u4e00.", " ", "\u0e01 ", "\u3002\u300d", "a\n", "!?", "\u00e9. "])
def test_time_grows_with_the_length_and_no_faster(piece):
    with at_most(2):
        split(piece * (50_000 // len(piece)) + "\u00e9")


def test_wide_characters_count_twice():
    assert (width("abc."), width("\u5317\u4eac\u3002"), width("\uac00 a"), width("\u0e01\u0e32")) == (4, 6, 4, 2)


OTHERS = SHARED / "cases/text/other_scripts.jsonl"


@pytest.mark.skipif(not OTHERS.is_file(), reason="the cases are not here")
def test_each_context_in_another_script_is_two_sentences():
    for record in map(json.loads, OTHERS.read_text().splitlines()):
        assert len(split(record["context"])) == 2, record["language"]


ENGLISH = [
    "Dr. Smith went to the U.S. embassy on Jan. 5.",
    "He met Mr. J. Brown, of Acme Inc. in Boston, at 9 a.m. yesterday.",
    "It rose 3.5 per cent (e.g. Apple)!",
    "Did it?",
]


def test_abbreviations_of_english_end_no_sentence_and_need_no_download(monkeypatch):
    monkeypatch.setattr("nltk.data.path", [])
    assert splitter("english").tokenize(" ".join(ENGLISH)) == ENGLISH
    assert len(splitter("untrained").tokenize(" ".join(ENGLISH))) > len(ENGLISH)
    with pytest.raises(ResetError, match=r"punkt_tab is not installed: .* or set the splitter to english"):
        splitter("punkt_tab")


def test_no_scale_needs_a_download_to_split_sentences(composed):
    for scale in ("micro", "paper", "paper nli=deberta", "own models=chat", "rehearsal"):
        for row in params.load(composed(scale)).judges.values():
            if row.kind in ("summac", "minicheck"):
                assert row.options.get("sentences", "untrained") in ("untrained", "english")
                assert row.options.get("preset", "reset") == "reset"
