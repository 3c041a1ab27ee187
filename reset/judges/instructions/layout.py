"""Instructions on the form of a whole reply: marks, sections, JSON, its beginning and its end."""

import json
import re

from reset.judges.instructions.arguments import Arguments
from reset.judges.instructions.wording import inner_parts

OPTIONS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
_FENCE = re.compile(r"^```(?:json)?|```$", re.IGNORECASE)
_HIGHLIGHT = re.compile(r"\*\*[^*\n]+\*\*|\*[^*\n]+\*")
_BULLET = re.compile(r"^\s*(?:\*[^*]|-)", re.MULTILINE)
_TITLE = re.compile(r"<<([^\n]+)>>")


def has_placeholders(text: str, given: Arguments) -> bool:
    """`detectable_content:number_placeholders`: at least so many words in brackets, such as [address]."""
    return len(re.findall(r"\[.*?\]", text)) >= given.number("num_placeholders")


def has_postscript(text: str, given: Arguments) -> bool:
    """`detectable_content:postscript`: the marker stands in it, in any case, also with a blank behind a full stop."""
    marker = re.escape(given.text("postscript_marker").strip())
    return re.search(re.sub(r"\\\.(?=\w)", r"\\.\\s?", marker), text, re.IGNORECASE) is not None


def has_bullets(text: str, given: Arguments) -> bool:
    """`detectable_format:number_bullet_lists`: exactly so many lines begin with * or -."""
    return len(_BULLET.findall(text)) == given.number("num_bullets")


def picks_option(text: str, _: Arguments) -> bool:
    """`detectable_format:constrained_response`: one of the three options stands in it."""
    return any(option in text for option in OPTIONS)


def highlights(text: str, given: Arguments) -> bool:
    """`detectable_format:number_highlighted_sections`: at least so many parts between asterisks, within a line."""
    return sum(bool(part.strip("* ")) for part in _HIGHLIGHT.findall(text)) >= given.number("num_highlights")


def has_sections(text: str, given: Arguments) -> bool:
    """`detectable_format:multiple_sections`: at least so many marks, such as "Section 1"."""
    mark = re.escape(given.text("section_spliter").strip())  # the data's own spelling
    return len(re.findall(rf"{mark}\s?\d+", text)) >= given.number("num_sections")


def is_json(text: str, _: Arguments) -> bool:
    """`detectable_format:json_format`: all of it is JSON, within marks of a code block or without."""
    try:
        json.loads(_FENCE.sub("", text.strip()).strip())
    except (ValueError, RecursionError):
        return False
    return True


def has_title(text: str, _: Arguments) -> bool:
    """`detectable_format:title`: a title stands in it, such as <<poem of joy>>."""
    return any(title.strip("<> ") for title in _TITLE.findall(text))


def repeats_prompt(text: str, given: Arguments) -> bool:
    """`combination:repeat_prompt`: it begins with the request, in any case."""
    return text.strip().lower().startswith(given.text("prompt_to_repeat").strip().lower())


def has_two_responses(text: str, _: Arguments) -> bool:
    """`combination:two_responses`: two parts that differ, with ****** between them."""
    parts = inner_parts(text, "******")
    return all(parts) and len(parts) == 2 and parts[0] != parts[1]


def ends_with(text: str, given: Arguments) -> bool:
    """`startend:end_checker`: it ends with the phrase, in any case; quotes around the whole do not count."""
    return text.strip().strip('"').lower().endswith(given.text("end_phrase").strip().lower())


def is_quoted(text: str, _: Arguments) -> bool:
    """`startend:quotation`: all of it stands between double quotation marks."""
    whole = text.strip()
    return len(whole) > 1 and whole[0] == whole[-1] == '"'
