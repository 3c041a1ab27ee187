"""Errors that a user can fix: each is a `ResetError`, shown in one line (exit status 1, no traceback)."""

import difflib
import reprlib
from collections.abc import Iterable

import click


class ResetError(click.ClickException):
    """A mistake in input or settings; the message says what is wrong, the value, where, and what would be right."""


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80
_SHORT.maxlist = _SHORT.maxdict = 8


def shown(value: object) -> str:
    """Return a value as a message shows it: on one line, and short whatever it is."""
    return _SHORT.repr(value)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint for an unknown `name`: the most similar of the `known` names, if any, and a list of all."""
    names = sorted(known)
    matches = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean '{matches[0]}'? " if matches else ""
    return f"{hint}Known: {', '.join(names)}"
