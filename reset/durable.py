"""Files that outlive a power cut, and a full disk told in one line."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reset.errors import ResetError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def settle(temporary: Path, path: Path) -> None:
    """Give a finished file its name; once this returns, it is on the disk under it."""
    _flush(temporary)
    os.replace(temporary, path)
    _flush(path.parent)  # the name itself


def _flush(place: Path) -> None:
    opened = os.open(place, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def room_for(path: Path) -> Iterator[None]:
    """Raise `ResetError` where `path` has no room on its disk."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise ResetError(
            f"{path}: {os.strerror(error.errno).lower()}; the same command goes on from what is finished"
        ) from error
