"""Errors that a user can fix: each is a `ResetError`, shown in one line (exit status 1, no traceback)."""

import difflib
import reprlib
from collections.abc import Iterable
from typing import Any

import click


class ResetError(click.ClickException):
    """A mistake in input or settings; the message says what is wrong, the value, where, and what would be right.

    What a terminal would not show as it is, such as a line end, a half surrogate or a right-to-left mark, is escaped.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message if message.isprintable() else "".join(map(_visible, message)))


def _visible(letter: str) -> str:
    return letter if letter.isprintable() else letter.encode("unicode_escape", "surrogatepass").decode()


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80
_SHORT.maxlist = _SHORT.maxdict = 8


def shown(value: object) -> str:
    """Return a value as a message shows it: on one line, and short whatever it is."""
    return _SHORT.repr(value)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint for an unknown `name`: the most similar of the `known` names, if any, and a list of all."""
    names = sorted(known) or ["none"]
    matches = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean '{matches[0]}'? " if matches else ""
    return f"{hint}Known: {', '.join(names)}"


def unfit(error: Any, key: str, known: Iterable[str]) -> str:
    """Describe one of pydantic's `ValidationError.errors()`, at `key` of params.yaml; `known` are the keys there."""
    if error["type"] == "extra_forbidden":
        return f"unknown key '{key}'. {nearest(str(error['loc'][-1]), known)}"
    if error["type"] == "missing":
        return f"key '{key}' is missing"
    return f"{key}: ".removeprefix(": ") + f"{error['msg']} (it is {shown(error['input'])})"
