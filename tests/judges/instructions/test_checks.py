"""The 25 verifiable instructions: replies that follow each one and replies that do not, by hand."""

import pytest

from reset.judges.instructions.checks import BY_LANGUAGE, BY_TEXT, LANGUAGE, check, variants
from reset.judges.instructions.languages import nobody

FOLLOWED = {  # id -> arguments, a reply that follows, replies that do not
    "keywords:existence": ({"keywords": ["pond", "duck"]}, "A Duck on the POND.", ["A duck.", "pond"]),
    "keywords:frequency": (
        {"keyword": "sea", "frequency": 2, "relation": "at least"},
        "The sea, the Sea.",
        ["The sea.", "sand"],
    ),
    "keywords:forbidden_words": ({"forbidden_words": ["rain", "sun"]}, "A rainy day.", ["The sun sets.", "RAIN"]),
    "keywords:letter_frequency": (
        {"letter": "z", "let_frequency": 2, "let_relation": "less than"},
        "A Zoo.",
        ["Zigzag.", "zZ"],
    ),
    "length_constraints:number_words": (
        {"num_words": 3.0, "relation": "at least"},
        "One two three",
        ["One, two.", "three..."],
    ),
    "length_constraints:number_sentences": (
        {"num_sentences": 2, "relation": "at least"},
        "It rains. We wait.",
        ["It rains, e.g. now.", "Dr. Mill waits."],
    ),
    "length_constraints:number_paragraphs": (
        {"num_paragraphs": 2},
        "***\none\n***\ntwo\n***",
        ["one\n\ntwo", "one *** *** two", "one *** two *** three"],
    ),
    "length_constraints:nth_paragraph_first_word": (
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Then"},
        'First.\n\n"then, later."',
        ["Then.\n\nFirst.", "One.\n\nThen.\n\nThen.", "One.\n\nThenceforth."],
    ),
    "change_case:capital_word_frequency": (
        {"capital_frequency": 2, "capital_relation": "less than"},
        "The USA and Rome.",
        ["GO NOW", "A B c"],
    ),
    "punctuation:no_comma": ({}, "One; two.", ["One, two."]),
    "detectable_content:number_placeholders": (
        {"num_placeholders": 2},
        "[name] of [town]",
        ["[name]", "(name) (town)"],
    ),
    "detectable_content:postscript": (
        {"postscript_marker": "P.P.S"},
        "Bye.\np. p. s. More.",
        ["Bye.\nP.S. More.", "Bye."],
    ),
    "detectable_format:number_bullet_lists": (
        {"num_bullets": 2},
        "List:\n* one\n- two",
        ["* one", "* one\n* two\n* three", "**one**\n**two**"],
    ),
    "detectable_format:constrained_response": ({}, "My answer is maybe.", ["Maybe.", "my answer is yes"]),
    "detectable_format:number_highlighted_sections": (
        {"num_highlights": 2},
        "*one* and **two words**",
        ["*one* and ** **", "*one\ntwo*"],
    ),
    "detectable_format:multiple_sections": (
        {"section_spliter": "Section", "num_sections": 2},
        "Section 1\na\nSection 2\nb",
        ["Section 1", "Part 1 Part 2", "Section one, Section two"],
    ),
    "detectable_format:json_format": ({}, '```json\n{"a": [1]}\n```', ["{a: 1}", 'Here: {"a": 1}']),
    "detectable_format:title": ({}, "<<poem of joy>>\nOh.", ["<<>> Oh.", "<poem>", "<< >>"]),
    "combination:repeat_prompt": (
        {"prompt_to_repeat": "Name a bird."},
        "name a bird. A wren.",
        ["A wren. Name a bird.", "Name birds."],
    ),
    "combination:two_responses": (
        {},
        "One.\n******\nTwo.",
        ["One.\n******\nOne.", "One. ****** ", "a ****** b ****** c"],
    ),
    "startend:end_checker": ({"end_phrase": "Any questions?"}, 'Done. any questions?"', ["Any questions? No."]),
    "startend:quotation": ({}, ' "All of it." ', ['"A" or b', '"', "'a'"]),
    "language:response_language": ({"language": "de"}, "de: Guten Tag", ["en: Good day"]),
    "change_case:english_capital": ({}, "EN: GOOD DAY", ["EN: GOOD Day", "DE: GUTEN TAG"]),
    "change_case:english_lowercase": ({}, "en: good day", ["en: Good day", "de: guten tag"]),
}


def marked(text: str) -> str | None:
    """The language that a text of these tests says it is in."""
    return text[:2].lower() if text[2:3] == ":" else None


def test_every_instruction_of_the_published_data_is_checked():
    assert FOLLOWED.keys() == BY_TEXT.keys() | BY_LANGUAGE.keys()
    assert len(FOLLOWED) == 25


@pytest.mark.parametrize("name", FOLLOWED)
def test_a_reply_follows_an_instruction_or_does_not(name):
    given, good, bad = FOLLOWED[name]
    assert check(good, name, given, marked).strict is True
    assert [check(text, name, given, marked).strict for text in bad] == [False] * len(bad)


@pytest.mark.parametrize("name", FOLLOWED)
@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_reply_follows_nothing(name, text):
    found = check(text, name, FOLLOWED[name][0], marked)
    assert (found.strict, found.loose) == (False, False)


def test_the_loose_score_drops_a_first_line_a_last_line_and_asterisks():
    assert list(variants("a\n*b*\nc")) == ["a\n*b*\nc", "a\nb\nc", "*b*\nc", "b\nc", "a\n*b*", "a\nb", "*b*", "b"]
    found = check('Sure, here it is:\n"A wren."\nI hope it helps, friend.', "startend:quotation", {}, nobody)
    assert (found.strict, found.loose) == (False, True)
    assert check("Sure, one.\nTwo, three.", "punctuation:no_comma", {}, nobody).loose is False


@pytest.mark.parametrize(
    ("name", "given", "reason"),
    [
        ("keywords:rhymes", {}, "unknown instruction keywords:rhymes"),
        ("keywords:existence", {}, "'keywords' must be a list of texts"),
        ("keywords:existence", {"keywords": []}, "'keywords' must be a list of texts"),
        ("length_constraints:number_words", {"num_words": "3", "relation": "at least"}, "must be a whole number"),
        ("length_constraints:number_words", {"num_words": 3.5, "relation": "at least"}, "must be a whole number"),
        ("length_constraints:number_words", {"num_words": 3, "relation": "around"}, "one of at least, less than"),
        ("startend:end_checker", {"end_phrase": " "}, "'end_phrase' must be text"),
    ],
)
def test_an_instruction_that_cannot_be_checked_is_null_with_its_reason_and_never_0(name, given, reason):
    found = check("Some text.", name, given, nobody)
    assert (found.strict, found.loose) == (None, None)
    assert reason in (found.reason or "")


def test_a_language_that_nobody_tells_is_null_but_a_wrong_letter_case_is_not():
    assert check("GUTEN TAG", "language:response_language", {"language": "de"}, nobody).reason == LANGUAGE
    assert check("GOOD DAY", "change_case:english_capital", {}, nobody).strict is None
    assert check("Good day", "change_case:english_capital", {}, nobody).strict is False
    assert check("Good day", "change_case:english_lowercase", {}, nobody).strict is False


def test_a_keyword_is_taken_as_it_is_written():
    given = {"keyword": "c++", "frequency": 1, "relation": "at least"}
    assert check("I like C++.", "keywords:frequency", given, nobody).strict is True
    assert check("I like (it.", "keywords:forbidden_words", {"forbidden_words": ["(it"]}, nobody).strict is not None
