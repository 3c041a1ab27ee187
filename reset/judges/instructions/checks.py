"""Check one verifiable instruction on a reply, strictly and loosely (Zhou et al. 2023, section 3.2 and Table 4).

The ids are those of the published data. Strict: the reply follows the instruction as it stands. Loose: it does so
without its first line, its last line, or both, and with or without its asterisks, which models add of themselves. An
empty reply follows nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reset.judges.instructions import languages, layout, wording
from reset.judges.instructions.arguments import Arguments, UnfitError
from reset.judges.instructions.languages import Detect

LANGUAGE = "the language cannot be told"

BY_TEXT: dict[str, Callable[[str, Arguments], bool]] = {
    "keywords:existence": wording.has_keywords,
    "keywords:frequency": wording.repeats_keyword,
    "keywords:forbidden_words": wording.avoids_words,
    "keywords:letter_frequency": wording.repeats_letter,
    "length_constraints:number_words": wording.counts_words,
    "length_constraints:number_sentences": wording.counts_sentences,
    "length_constraints:number_paragraphs": wording.counts_paragraphs,
    "length_constraints:nth_paragraph_first_word": wording.begins_paragraph,
    "change_case:capital_word_frequency": wording.counts_capitals,
    "punctuation:no_comma": wording.has_no_comma,
    "detectable_content:number_placeholders": layout.has_placeholders,
    "detectable_content:postscript": layout.has_postscript,
    "detectable_format:number_bullet_lists": layout.has_bullets,
    "detectable_format:constrained_response": layout.picks_option,
    "detectable_format:number_highlighted_sections": layout.highlights,
    "detectable_format:multiple_sections": layout.has_sections,
    "detectable_format:json_format": layout.is_json,
    "detectable_format:title": layout.has_title,
    "combination:repeat_prompt": layout.repeats_prompt,
    "combination:two_responses": layout.has_two_responses,
    "startend:end_checker": layout.ends_with,
    "startend:quotation": layout.is_quoted,
}
BY_LANGUAGE: dict[str, Callable[[str, Arguments, Detect], bool | None]] = {
    "language:response_language": languages.in_language,
    "change_case:english_capital": languages.english_capitals,
    "change_case:english_lowercase": languages.english_lowercase,
}


@dataclass(frozen=True)
class Outcome:
    """Whether a reply follows an instruction, strictly and loosely; None, with a reason, where that cannot be told."""

    id: str
    strict: bool | None
    loose: bool | None
    reason: str | None = None


def check(text: str, instruction: str, given: Mapping[str, Any], detect: Detect) -> Outcome:
    """Check whether `text` follows the `instruction` with the arguments `given`; `detect` tells languages."""
    if instruction not in BY_TEXT and instruction not in BY_LANGUAGE:
        return Outcome(instruction, None, None, f"unknown instruction {instruction}")
    try:
        strict = _follows(text, instruction, Arguments(given), detect)
        loose = _any(_follows(variant, instruction, Arguments(given), detect) for variant in variants(text))
    except UnfitError as error:
        return Outcome(instruction, None, None, f"arguments of {instruction}: {error}")
    return Outcome(instruction, strict, loose, LANGUAGE if None in (strict, loose) else None)


def _follows(text: str, instruction: str, given: Arguments, detect: Detect) -> bool | None:
    if instruction in BY_TEXT:
        return BY_TEXT[instruction](text, given) and bool(text.strip())
    return BY_LANGUAGE[instruction](text, given, detect) if text.strip() else False


def _any(outcomes: Iterator[bool | None]) -> bool | None:
    """True if one is, else None if one is, else False."""
    unknown = False
    for outcome in outcomes:
        if outcome:
            return True
        unknown = unknown or outcome is None
    return None if unknown else False


def variants(text: str) -> Iterator[str]:
    """Yield the eight variants of a reply that count for the loose score, the reply itself first."""
    lines = text.split("\n")
    for one in (text, *("\n".join(lines[cut]).strip() for cut in (slice(1, None), slice(-1), slice(1, -1)))):
        yield one
        yield one.replace("*", "")
