"""How a process ends by what is no bug: Ctrl-C before its command line is read, a disk that is full or read-only.

One line and no traceback, wherever in the process it happens. And what a process starts can be made to end with it.
"""

import errno
import os
import signal
import sys
from types import TracebackType

PR_SET_PDEATHSIG = 1  # linux/prctl.h
DISK = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}
    | {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EMFILE, errno.ESTALE}
)


def with_parent(by: int = signal.SIGKILL) -> None:
    """Let this process end, by the signal `by`, when the one that started it ends in any way; Linux alone."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, by)


def told() -> None:
    """Let an interrupt, or an error of a file, that nobody catches end this process in one line."""
    sys.excepthook = _tell


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        print("Aborted!", file=sys.stderr)
    elif isinstance(error, OSError) and error.errno in DISK:
        from reset.errors import ResetError  # click: not for a stage that another process runs

        print(f"Error: {ResetError(of_file(error)).message}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


def of_file(error: OSError) -> str:
    """Return the file and what is wrong with it, and that running again goes on."""
    where = f"{error.filename}: " if error.filename else ""
    what = (error.strerror or str(error)).splitlines()[0]
    return f"{where}{what}; finished work is kept, run the same command again to resume"


if __name__ == "__main__":  # followed by a command, which takes the place of this process
    with_parent(signal.SIGTERM)
    os.execv(sys.argv[1], sys.argv[1:])  # nosec B606: arguments and no shell
