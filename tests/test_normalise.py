"""Appendix A.2, by hand; text without blanks around hyphens and slashes comes out as from SQuAD's evaluate-v1.1.py."""

import json
import random
import re
import string

import pytest

from reset.judges.rouge import rouge_l
from reset.normalise import comparable, has_span, normalise, only_articles, rouge_words, span_finder
from tests.support import SHARED
from tests.support.pace import at_most

CASES = [
    ("The Cat sat on a mat.", "cat sat on mat"),
    ("rock - and - roll", "rockandroll"),
    ("rock-and-roll", "rockandroll"),
    ("AC / DC", "acdc"),
    ("Peter 's dog", "peters dog"),
    ("Peter's dog", "peters dog"),
    ("Peter\u2019s dog", "peters dog"),
    ("\u201cquoted\u201d", "quoted"),
    ("1989 \u2013 1990", "19891990"),
    ("Paris\u2014France", "paris france"),
    ("an 'a' and the \"the\"", "and"),
    ("theatre another", "theatre another"),
    ("caf\u0065\u0301", "caf\u00e9"),
    ("  two\n\tlines ", "two lines"),
    ("", ""),
    ("The ... a!", ""),
    # other scripts: words end where Unicode says, where no blanks part them
    ("\u7b2c\u4e00\uff08\u5317\u4eac\uff09\u3002", "\u7b2c \u4e00 \u5317 \u4eac"),
    ("\u30dd\u30f3\u30d7\u306f\u6771\u4eac", "\u30dd\u30f3\u30d7 \u306f \u6771 \u4eac"),
    ("\u30d0\u30eb\u30d6\u30fb\u30dd\u30f3\u30d7", "\u30d0\u30eb\u30d6 \u30dd\u30f3\u30d7"),
    ("\u0e17\u0e35\u0e48\u0e19\u0e35\u0e48", "\u0e17\u0e35\u0e48 \u0e19\u0e35\u0e48"),
    ("\ubd80\uc0b0\uc5d0", "\ubd80 \uc0b0 \uc5d0"),
    ("iPhone\u624b\u673a", "iphone \u624b \u673a"),
    (
        "\u0627\u0644\u0642\u0627\u0647\u0631\u0629\u060c \u0645\u0635\u0631",
        "\u0627\u0644\u0642\u0627\u0647\u0631\u0629 \u0645\u0635\u0631",
    ),
    ("\u05e6\u05d4\u05f4\u05dc", "\u05e6\u05d4\u05dc"),  # gershayim stand within a word
    ("\u0f56\u0f7c\u0f51\u0f0b\u0f66\u0f90\u0f51", "\u0f56\u0f7c\u0f51 \u0f66\u0f90\u0f51"),  # a tsheg parts words
    ("\U0001f44d\U0001f3fd ok", "\U0001f44d\U0001f3fd ok"),
    # neither width nor what has none decides
    ("\uff21\uff22\uff23\u3000\uff11\uff0e\uff15", "abc 15"),
    ("so\u00adft\u200b \u200ejoin\u200ded\ufeff", "soft joined"),
    ("don\u00b4t", "dont"),
    # nor the digits of a script, the case of a letter, or a stretch
    ("\u0661\u0669\u0665\u0660 \u0967\u096f\u096b\u0966 \u0e51\u0e59\u0e55\u0e50", "1950 1950 1950"),
    ("Stra\u00dfe STRASSE", "strasse strasse"),
    ("\u0130zmir", "izmir"),
    ("\u039f\u0394\u039f\u03a3 \u03bf\u03b4\u03bf\u03c2", "\u03bf\u03b4\u03bf\u03c3 \u03bf\u03b4\u03bf\u03c3"),
    ("\u0643\u0640\u062a\u0640\u0640\u0627\u0628", "\u0643\u062a\u0627\u0628"),
    ("\u00bd", "12"),
    ("\ua000\ua001", "\ua000 \ua001"),  # Yi
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_text_is_normalised_as_in_the_appendix(text, expected):
    assert normalise(text) == expected


@pytest.mark.parametrize("text", [text for text, _ in CASES])
def test_normalising_twice_changes_nothing(text):
    assert normalise(normalise(text)) == normalise(text)


def squad(text: str) -> str:
    """SQuAD's normalisation, restated from its definition: lower case, no punctuation, no articles, single blanks."""
    plain = "".join(character for character in text.lower() if character not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", plain).split())


@pytest.mark.parametrize("text", ["The (first) U.S. President!", "a $5.00 note; an e-mail", 'It\'s "A-ha", the band'])
def test_ascii_text_without_parted_hyphens_is_as_in_squad(text):
    assert normalise(text) == squad(text)


@pytest.mark.parametrize(
    ("answer", "text", "found"),
    [
        ("the Mystery Train", 'Elvis sang "Mystery Train" then', True),
        ("red", "a hundred", False),
        ("red", "Red, white", True),
        ("New York City", "He moved to New York.", False),
        ("(Lou) Gehrig", "Lou Gehrig was born", True),
        ("The", "The end", False),
        ("", "anything", False),
        ("anything", "", False),
    ],
)
def test_span_is_a_run_of_whole_tokens(answer, text, found):
    assert has_span(answer, text) is found


TYPOGRAPHIC = str.maketrans("\u2018\u2019\u2010\u2011\u2012\u2013\u2212\u2014", "''----- ")


def appendix(text: str) -> str:
    """A.2 on ASCII text, restated: blanks around hyphens and slashes and before 's go, then as SQuAD."""
    text = re.sub(r"\s*([-/])\s*", r"\1", text.lower())
    text = re.sub(r"\s+'s\b", "'s", text)
    return " ".join(word for word in squad(text).split())


@pytest.mark.parametrize("seed", range(200))
def test_ascii_text_is_as_in_the_appendix_whatever_it_holds(seed):
    draw = random.Random(seed)
    text = "".join(draw.choices("aA theTHE-/'s.,! \t\n0159x(){}_", k=draw.randint(0, 60)))
    assert normalise(text) == appendix(text)


@pytest.mark.parametrize(
    "piece",
    [
        " ",
        " -",
        "\u3000",
        "'s ",
        "a\u0301\u0316",
        "\u0301\u0316",
        "\u200b",
        "\u5317",
        "\u0e17\u0e35\u0e48",
        "\ubd80",
        "\U0001f1e9",
    ],
)
def test_time_grows_with_the_length_and_no_faster(piece):
    """A quadratic step takes seconds here: 20,000 blanks before a hyphen once took four."""
    text = piece * (100_000 // len(piece)) + "- \u00e9"
    with at_most(2):
        normalise(text)
        rouge_words(text)


@pytest.mark.parametrize(
    ("first", "second", "equal"),
    [
        ("A", "a", True),  # a choice, of which nothing is left without its article
        ("(A)", "A", True),
        ("A", "The", False),
        ("A", "B", False),
        ("The", "the end", False),
        ("?", "?", True),
        ("?", "!", False),
        ("", "", False),
        ("", "?", False),
        ("\uff1f", "?", True),
    ],
)
def test_texts_of_which_normalising_leaves_nothing_are_compared_as_they_are(first, second, equal):
    assert (bool(comparable(first)) and comparable(first) == comparable(second)) is equal


def test_a_choice_is_looked_for_with_articles_and_a_text_without_words_nowhere():
    assert only_articles("A.") and not only_articles("?") and not only_articles("B")
    assert span_finder(["A"])("Key A alone opens it.")
    assert not span_finder(["A"])("Key B alone opens it.")
    assert not span_finder(["?"])("Which one?")
    assert span_finder(["A", "B"])("Key B alone opens it.")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's well-known: 3.5 m_2!", ["it", "s", "well", "known", "3", "5", "m", "2"]),
        ("caf\u00e9 d\u2019or", ["caf\u00e9", "d", "or"]),
        ("\u5317\u4eac\u5927\u5b66 1950\u5e74", ["\u5317", "\u4eac", "\u5927", "\u5b66", "1950", "\u5e74"]),
        ("\ubd80\uc0b0 \uacf5\uc7a5\uc5d0", ["\ubd80\uc0b0", "\uacf5\uc7a5\uc5d0"]),
        ("\u0441\u0442\u043e\u0438\u0442", ["\u0441\u0442\u043e\u0438\u0442"]),
        ("\U0001f44d ok", ["\U0001f44d", "ok"]),
        ("...", []),
        ("\u0e17\u0e35\u0e48\u0e19\u0e35\u0e48x\u0e17", ["\u0e17\u0e35\u0e48\u0e19\u0e35\u0e48", "x", "\u0e17"]),
        ("\u0e01\u0e02\u0e03 \u0e04", ["\u0e01\u0e02", "\u0e02\u0e03", "\u0e04"]),
    ],
)
def test_rouge_counts_the_words_of_any_script(text, words):
    assert rouge_words(text) == words


UNRELATED = [  # two texts about a factory of 1950: Khmer, Burmese
    ("ស្នប់នៅរោងចក្រភ្នំពេញ។ វាត្រូវបានសាងសង់នៅឆ្នាំ១៩៥០។", "រោងចក្របានបិទនៅឆ្នាំ១៩៥០។"),
    ("ရေစုပ်စက်သည် ရန်ကုန်စက်ရုံတွင်ရှိသည်။ ၎င်းကို ၁၉၅၀ တွင်တည်ဆောက်ခဲ့သည်။", "စက်ရုံကို ၁၉၅၀ တွင်ပိတ်ခဲ့သည်။"),
]


@pytest.mark.parametrize(("text", "other"), UNRELATED)
def test_letters_of_scripts_without_blanks_do_not_make_unrelated_texts_alike(text, other):
    assert rouge_l(text, [text]) == 1.0
    assert rouge_l(other, [text]) < 0.5


OTHERS = SHARED / "cases/text/other_scripts.jsonl"


@pytest.mark.skipif(not OTHERS.is_file(), reason="the cases are not here")
def test_answers_in_other_scripts_equal_themselves_and_are_spans_of_their_contexts():
    for record in map(json.loads, OTHERS.read_text().splitlines()):
        assert comparable(record["answer"]) == comparable(f"\u200b{record['answer']} ") != ""
        assert has_span(record["answer"], record["context"])


def test_without_whole_tokens_a_part_of_a_word_is_an_answer_too():
    assert span_finder(["art"], whole_tokens=False)("the party")
    assert not span_finder(["art"])("the party")
