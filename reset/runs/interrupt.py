"""Ctrl-C before a command line is read, while libraries are loaded: one word as from click, and no traceback."""

import sys
from types import TracebackType


def quietly() -> None:
    """Let an interrupt that nobody catches end this process with `Aborted!` alone."""
    sys.excepthook = _told


def _told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        print("Aborted!", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)
