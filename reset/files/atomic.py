"""Atomic writes: a file (also after a power cut) or folder is complete or absent; a full disk is a one-line error.

The name of a temporary file says who writes it: the machine and its boot, the process, and when that began, in ticks
since the boot, which no change of the clock moves. What another machine writes into a shared folder is left alone.
"""

import errno
import hashlib
import os
import platform
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psutil

from reset.errors import ResetError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
BOOT = Path("/proc/sys/kernel/random/boot_id")  # of Linux
_TEMPORARY = re.compile(r"\.(.+)\.([0-9a-f]{8})-([0-9a-f]{8})-(\d+)-(\d+)\.tmp", re.DOTALL)


def temporary_of(path: Path) -> Path:
    """Return where this process writes what will be `path`; what killed processes have left there is deleted."""
    for other in _left_over(path.parent).get(path.name, ()):
        shutil.rmtree(other) if other.is_dir() else other.unlink(missing_ok=True)
    return path.with_name(f".{path.name}.{machine()}-{boot()}-{os.getpid()}-{began(os.getpid())}.tmp")


@cache
def machine() -> str:
    """Return a name of this machine, 8 hex digits."""
    return _short(platform.node())


@cache
def boot() -> str:
    """Return a name of the time since this machine was started, 8 hex digits; the same for all times but on Linux."""
    return _short(BOOT.read_text() if BOOT.is_file() else "")


def _short(text: str) -> str:
    return hashlib.sha256(text.strip().encode()).hexdigest()[:8]


def began(pid: int) -> int:
    """Return when process `pid` began, in ticks since the boot; elsewhere than on Linux in seconds since 1970.

    Raises `psutil.Error` if there is none, or a dead one that its parent has yet to bury.
    """
    process = psutil.Process(pid)
    if process.status() == psutil.STATUS_ZOMBIE:
        raise psutil.ZombieProcess(pid)
    status = Path(f"/proc/{pid}/stat")
    return int(status.read_text().rpartition(")")[2].split()[19]) if BOOT.is_file() else int(process.create_time())


@cache
def _left_over(folder: Path) -> dict[str, list[Path]]:
    """Return the temporary files in `folder` of processes that are gone, by name; a folder is looked at only once."""
    found: dict[str, list[Path]] = {}
    for entry in os.scandir(folder):
        if (named := _TEMPORARY.fullmatch(entry.name)) and _left(*named.groups()[1:]):
            found.setdefault(named[1], []).append(Path(entry.path))
    return found


def _left(of: str, since: str, pid: str, start: str) -> bool:
    """Whether the process that was to write a temporary file is known to be gone."""
    if of != machine():
        return False
    if since != boot():
        return True
    try:
        return began(int(pid)) != int(start)  # numbers are given anew
    except (psutil.NoSuchProcess, FileNotFoundError):
        return True
    except (psutil.Error, OSError):  # another user's
        return False


def settle(temporary: Path, path: Path) -> None:
    """Rename a finished file to `path`; once this returns, content and name are on disk (fsync)."""
    sync(temporary)
    os.replace(temporary, path)
    sync(path.parent)  # the folder holds the name


def sync(path: Path) -> None:
    """Write a file or folder through to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def room_for(path: Path) -> Iterator[None]:
    """Turn the error of a full disk while `path` is written into a `ResetError`."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise ResetError(
            f"{path}: {os.strerror(error.errno).lower()}; finished work is kept, run the same command again to resume"
        ) from error


def _make_folder_of(path: Path) -> None:
    """Make the folder of `path`; raises `ResetError` if nothing can be written there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        denied = None if os.access(path.parent, os.W_OK | os.X_OK) else "permission denied, or a read-only disk"
    except OSError as error:
        denied = os.strerror(error.errno or 0).lower()
    if denied:
        raise ResetError(f"{path}: cannot be written ({denied}): name a folder that you may write to")


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path; it is renamed to `path` if the block succeeds and deleted if it fails.

    Raises `ResetError` if the disk is full, which some disks say only when the file is settled.
    """
    _make_folder_of(path)
    temporary = temporary_of(path)
    try:
        with room_for(path):
            yield temporary
            settle(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder; it replaces `path` if the block succeeds and is deleted if it fails.

    All its files are on disk (fsync) before it is renamed, and its new name when this returns.
    """
    _make_folder_of(path)
    temporary = temporary_of(path)
    temporary.mkdir()
    try:
        with room_for(path):
            yield temporary
            for inside in (*temporary.rglob("*"), temporary):
                sync(inside)
            shutil.rmtree(path, ignore_errors=True)
            temporary.rename(path)
            sync(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def copy(source: Path, path: Path) -> None:
    """Copy a file atomically."""
    with atomic(path) as temporary:
        shutil.copyfile(source, temporary)
