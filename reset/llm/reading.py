"""Read points from a judge's reply by a rule that the user states; see `reset.judges.prompt_files`.

Thoughts are left out, and full-width characters are read as the usual ones. Points off the scale are none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import regex

from reset.errors import ResetError
from reset.llm.rating import json_value
from reset.llm.reply_text import decided
from reset.normalise import nfkc
from reset.thoughts import without_thoughts

REGEX_S = 10.0  # time limit of a pattern on one reply
_NUMBER = r"-?\d{1,9}(?:\.\d{1,9})?"
_OF = r"(?:[ ]?(?:/|out of)[ ]?\d{1,9}(?:\.\d{1,9})?)?"  # "4/5" says 4
_LAST = regex.compile(rf"(?<![\w.])({_NUMBER}){_OF}")


@dataclass(frozen=True)
class Reading:
    """How a reply is read: `rule` is last_number, brackets, regex or json; `of` is the pattern or the key.

    `words` are points for words, in lower case, such as {yes: 1, no: 0}; without them a reply says a number.
    """

    rule: str
    of: str
    least: float
    most: float
    words: Mapping[str, float] = field(default_factory=dict)

    def points(self, reply: str) -> float | None:
        """Return the points that a reply gives, or None. Raises `ResetError` if the pattern takes `REGEX_S`."""
        said = self._said(reply)
        points = self._number(said) if said is not None else None
        return points if points is not None and self.least <= points <= self.most else None

    def _said(self, reply: str) -> Any:
        if self.rule == "json":
            return json_value(reply, self.of)
        if self.rule == "brackets":
            return decided(reply, f"(?i:{'|'.join(map(re.escape, self.words))})" if self.words else _NUMBER)
        try:
            found = list(self._pattern().finditer(nfkc(without_thoughts(reply) or ""), timeout=REGEX_S))
        except TimeoutError as error:
            mend = "make it simpler, without repeats within repeats such as (a+)+"
            raise ResetError(
                f"a prompt file's read.regex '{self.of}' takes over {REGEX_S:g} s on a reply: {mend}"
            ) from error
        return found[-1][min(1, found[-1].re.groups)] if found else None

    def _pattern(self) -> Any:
        return _LAST if self.rule == "last_number" else regex.compile(self.of)

    def _number(self, said: Any) -> float | None:
        if self.words:
            return self.words.get(str(said).strip().casefold())
        if isinstance(said, bool):
            return None
        try:
            return float(said)
        except (TypeError, ValueError, OverflowError):
            return None
