"""What a judge's reply says: the value in double brackets that it decided on.

A reply counts if it is finished: the server ended it by itself, and a thought that it opens is closed. Thoughts are
left out, and full-width characters are read as the usual ones. Of several values in double brackets

- those in quotation marks, backticks or quoted lines are left out: they are the scale's, the prompt's or the answer's
  own words, except where the last line of the reply is nothing but such a value;
- those behind "Rating:" at the start of a line or sentence come before others behind "Rating:", and these before bare
  ones, so that a remark about a `[[10]]` in the answer changes nothing;
- of those left that differ, the last one counts if the reply ends with it, and no other stands in its clause ("[[A]] is
  better than [[B]]"). Else the judge did not decide.
"""

import re

from reset.normalise import nfkc
from reset.thoughts import without_thoughts

ENDED = frozenset(  # finish reasons of various servers, in lower case
    {"", "stop", "eos", "eos_token", "end", "end_turn", "stop_sequence", "complete", "completed", "finished"}
)
_QUOTED = re.compile(
    r"\"[^\"\n]{0,500}\"|\u201c[^\u201d\n]{0,500}\u201d|\u00ab[^\u00bb\n]{0,500}\u00bb|\u300c[^\u300d\n]{0,500}\u300d"
    r"|`[^`\n]{0,500}`|(?<!\w)'[^'\n]{0,500}'(?!\w)|^[ ]{0,9}>[^\n]*",
    re.MULTILINE,
)
_AROUND = " \t\"'\u201c\u201d`*_#>."  # quotation marks and markdown around a line that is a value alone
# Runs are possessive (*+) and stay within their line, so that no run is read from each of its characters again
_NAMED = r"\brating\b[\s*_]*+:?[\s*_]*+"
_GIVEN = r"(?:^|(?<=[.!?\u3002])[ ])(?:[^\S\n]|[*_#>-])*+(?:(?:my|the|final|overall) ){0,3}" + _NAMED
_CLAUSE_END = re.compile(r"[.,!?;:\u3002\uff0c]+(?=\s)|\n")
_DENIED = re.compile(r"\b(?:not|nor|than|over)[ *_]*\Z", re.IGNORECASE)
_OR = r"[ ]*+(?:-|\u2013|\u2014|/|,|\bor\b|\bto\b|\band\b)?[ ]*+"  # between values that are one statement


def unfinished(reply: str, finish_reason: str | None) -> str | None:
    """Return why a reply cannot be read at all, or None."""
    if finish_reason == "content_filter":
        return "the server's filter stopped the reply"
    if (finish_reason or "").lower() not in ENDED:
        return f"the reply is not finished: finish_reason '{finish_reason}'"
    if not reply.strip():
        return "the reply is empty"
    return "the reply ends within a thought" if without_thoughts(reply) is None else None


def decided(reply: str, value: str) -> str | None:
    """Return the value that a reply decides on, by the rules above; `value` is the pattern of one."""
    text = _unquoted(nfkc(without_thoughts(reply) or ""), value)
    stated = rf"\[\[\s*{value}\s*\]\](?:{_OR}\[\[\s*{value}\s*\]\])*"
    for lead in (_GIVEN, _NAMED, ""):
        if found := list(re.finditer(rf"{lead}({stated})", text, re.IGNORECASE | re.MULTILINE)):
            break
    else:
        return None
    statements = [set(re.findall(value, match[1])) for match in found]
    ends = not re.search(r"\w", text[found[-1].end() :])
    if ends and not lead:
        ends = _stands_alone(text, found, statements)
    said = statements[-1] if ends else set.union(*statements)
    return said.pop() if len(said) == 1 else None


def _stands_alone(text: str, found: list[re.Match[str]], statements: list[set[str]]) -> bool:
    """Whether the last value is stated, and no other beside it: "[[A]] is better than [[B]]" and "not [[B]]" are not.

    Several values in one statement are a scale, such as `[[1]] to [[10]]`.
    """
    last = found[-1].start()
    start = max((end.end() for end in _CLAUSE_END.finditer(text, 0, last)), default=0)
    beside = [said for match, said in zip(found, statements, strict=True) if match.start() >= start]
    values = {value for said in beside if len(said) == 1 for value in said}
    return len(values) < 2 and not _DENIED.search(text, max(start - 1, 0), last)


def _unquoted(text: str, value: str) -> str:
    """Return `text` without its quotations; a last line that is a value alone stays."""
    body, _, last = text.rstrip().rpartition("\n")
    alone = re.fullmatch(rf"(?:rating)?\W*\[\[\s*{value}\s*\]\]", last.strip(_AROUND), re.IGNORECASE)
    return f"{_QUOTED.sub(' ', body)}\n{last.strip(_AROUND) if alone else _QUOTED.sub(' ', last)}"
