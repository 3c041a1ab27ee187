"""Files and folders that appear whole or not at all, survive a power cut, and report a full disk in one line."""

import errno
import os
import shutil
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


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path that becomes `path` when the block ends well, and vanishes when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        settle(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder that becomes `path` when the block ends well, and vanishes when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.mkdir()
    try:
        yield temporary
        shutil.rmtree(path, ignore_errors=True)
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def copy(source: Path, path: Path) -> None:
    """Copy a file; it appears under its new name whole or not at all."""
    with atomic(path) as temporary, room_for(path):
        shutil.copyfile(source, temporary)
