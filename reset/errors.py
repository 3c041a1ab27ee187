"""What a user can mend, told in one line: every such error is a `ResetError` (exit status 1, no traceback)."""

import difflib
from collections.abc import Iterable

import click


class ResetError(click.ClickException):
    """A mistake in input or settings: what was wrong, the value, where, and what would be right."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which known names there are and which of them is nearest to `name`."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean '{close[0]}'? " if close else ""
    return f"{hint}Known: {', '.join(names)}"
