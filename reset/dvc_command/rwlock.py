"""Write DVC's list of what its processes read and write, `.dvc/tmp/rwlock`, whole or not at all.

DVC 3.67 empties the file and then writes it. A `dvc` that is killed in between leaves one that no later `dvc` can read
("JSON structure is corrupted"), until somebody deletes it. Here such a file counts as empty: its writer is dead.
"""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reset.dvc_command.lock_file import write_whole


def write_rwlock_whole() -> None:
    """Let DVC read and write its list of locks through `_Whole`."""
    from dvc import rwlock

    original = rwlock._edit_rwlock

    def edit(lock_dir: str, fs: Any, hardlink: bool) -> Any:
        return original(lock_dir, _Whole(fs), hardlink)

    rwlock._edit_rwlock = edit


class _Whole:
    """DVC's file system with another `open`, which is called while no other process edits the file."""

    def __init__(self, fs: Any) -> None:
        self._fs = fs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fs, name)

    @contextmanager
    def open(self, path: str, mode: str = "r", encoding: str = "utf-8") -> Iterator[io.StringIO]:
        """Yield the content, which is `{}` if it was cut; what is written replaces the file at the end."""
        stream = io.StringIO() if mode == "w" else io.StringIO(_content(Path(path).read_text(encoding, "replace")))
        yield stream
        if mode == "w":
            write_whole(Path(path), stream.getvalue())


def _content(text: str) -> str:
    try:
        return text if isinstance(json.loads(text), dict) else "{}"
    except ValueError:
        return "{}"
