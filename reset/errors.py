"""Errors that a user can fix: each is a `ResetError`, shown in one line (exit status 1, no traceback)."""

import difflib
from collections.abc import Iterable

import click


class ResetError(click.ClickException):
    """A mistake in input or settings; the message says what is wrong, the value, where, and what would be right."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint for an unknown `name`: the most similar of the `known` names, if any, and a list of all."""
    names = sorted(known)
    matches = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean '{matches[0]}'? " if matches else ""
    return f"{hint}Known: {', '.join(names)}"
