"""Instructions on words and their number: keywords, length, letter case, commas."""

import re
from functools import cache

from reset.judges.instructions.arguments import Arguments
from reset.judges.sentences import texts

_OPEN, _STOP = "'\"", ".,?!'\""  # before and behind a paragraph's first word


def has_keywords(text: str, given: Arguments) -> bool:
    """`keywords:existence`: every keyword stands in it, in any case."""
    return all(keyword.lower() in text.lower() for keyword in given.texts("keywords"))


def repeats_keyword(text: str, given: Arguments) -> bool:
    """`keywords:frequency`: the keyword stands in it so often."""
    count = text.lower().count(given.text("keyword").lower())
    return given.holds("relation", count, "frequency")


def avoids_words(text: str, given: Arguments) -> bool:
    """`keywords:forbidden_words`: none of the words stands in it as a whole word."""
    words = given.texts("forbidden_words")
    return not any(re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE) for word in words)


def repeats_letter(text: str, given: Arguments) -> bool:
    """`keywords:letter_frequency`: the letter stands in it so often, in any case."""
    return given.holds("let_relation", text.lower().count(given.text("letter").lower()), "let_frequency")


def counts_words(text: str, given: Arguments) -> bool:
    """`length_constraints:number_words`: so many runs of letters, digits and underscores."""
    return given.holds("relation", len(re.findall(r"\w+", text)), "num_words")


def counts_sentences(text: str, given: Arguments) -> bool:
    """`length_constraints:number_sentences`, by Punkt with English abbreviations; a line break ends a sentence, too.

    The authors' program takes Punkt's trained parameters, a download.
    """
    return given.holds("relation", len(_splitter().tokenize(text)), "num_sentences")


@cache
def _splitter() -> texts.Splitter:
    return texts.splitter("english")


def counts_paragraphs(text: str, given: Arguments) -> bool:
    """`length_constraints:number_paragraphs`: so many parts between lines of ***, none of them blank."""
    parts = inner_parts(text, "***")
    return all(parts) and len(parts) == given.number("num_paragraphs")


def inner_parts(text: str, divider: str) -> list[str]:
    """Return the parts of `text` between dividers, without blanks around them; a blank first or last one is none."""
    parts = [part.strip() for part in text.split(divider)]
    return parts[not parts[0] : len(parts) - (len(parts) > 1 and not parts[-1])]


def begins_paragraph(text: str, given: Arguments) -> bool:
    """`length_constraints:nth_paragraph_first_word`: so many paragraphs between blank lines, one begins with the word.

    Case and quotes before the word do not count, nor what follows a punctuation mark.
    """
    paragraphs = [part.strip() for part in text.split("\n\n")]
    number = given.number("nth_paragraph")
    if sum(map(bool, paragraphs)) != given.number("num_paragraphs") or not 0 < number <= len(paragraphs):
        return False
    first = (paragraphs[number - 1].lower().split() or [""])[0].lstrip(_OPEN)
    return re.split(rf"[{_STOP}]", first)[0] == given.text("first_word").lower()


def counts_capitals(text: str, given: Arguments) -> bool:
    """`change_case:capital_word_frequency`: so many words in capital letters alone."""
    words = re.findall(r"\w+(?:[-.']\w+)*", text)
    return given.holds("capital_relation", sum(map(str.isupper, words)), "capital_frequency")


def has_no_comma(text: str, _: Arguments) -> bool:
    """`punctuation:no_comma`: no comma stands in it."""
    return "," not in text
