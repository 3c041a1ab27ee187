"""The arguments of an instruction, such as {"num_words": 300, "relation": "at least"}, read with their types.

The hub's table gives every instruction all columns, and null for those of other instructions; whole numbers may be 3.0.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

RELATIONS: dict[str, Callable[[int, int], bool]] = {
    "at least": lambda count, limit: count >= limit,
    "less than": lambda count, limit: count < limit,
}


class UnfitError(ValueError):
    """An argument is absent, or is not of its type."""


@dataclass(frozen=True)
class Arguments:
    """The arguments of one instruction. All methods raise `UnfitError`."""

    given: Mapping[str, Any]

    def text(self, name: str) -> str:
        """Return the argument `name`, a text that is not blank."""
        found = self.given.get(name)
        if not isinstance(found, str) or not found.strip():
            raise UnfitError(f"'{name}' must be text")
        return found

    def texts(self, name: str) -> list[str]:
        """Return the argument `name`, a list of texts with at least one."""
        found = self.given.get(name)
        if not isinstance(found, list) or not found or not all(isinstance(one, str) and one for one in found):
            raise UnfitError(f"'{name}' must be a list of texts")
        return found

    def number(self, name: str) -> int:
        """Return the argument `name`, a whole number."""
        found = self.given.get(name)
        if isinstance(found, bool) or not isinstance(found, int | float) or found != int(found):
            raise UnfitError(f"'{name}' must be a whole number")
        return int(found)

    def holds(self, relation: str, count: int, limit: str) -> bool:
        """Whether `count` is in the argument `relation` ("at least", "less than") to the argument `limit`."""
        name = self.text(relation)
        if name not in RELATIONS:
            raise UnfitError(f"'{relation}' must be one of {', '.join(RELATIONS)}")
        return RELATIONS[name](count, self.number(limit))
