"""Appendix A.2, by hand; text without blanks around hyphens and slashes comes out as from SQuAD's evaluate-v1.1.py."""

import re
import string

import pytest

from reset.normalise import has_span, normalise

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
