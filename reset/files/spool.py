"""Rows in a temporary file, read back in any order; a row costs 8 bytes of memory."""

import os
from array import array
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, Self

import orjson


class Spool:
    """Rows of JSON values in an unnamed file in `folder`; it is deleted when the context ends."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 (closed by __exit__)
        self._ends = array("Q", [0])  # byte offset of the end of each row, after a first 0

    def add(self, row: Mapping[str, Any]) -> None:
        """Append `row`; its index is the number of rows before it."""
        self._ends.append(self._ends[-1] + self._file.write(orjson.dumps(row)))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def row(self, index: int) -> dict[str, Any]:
        """Return the row at `index`."""
        self._file.flush()
        start, end = self._ends[index], self._ends[index + 1]
        content: dict[str, Any] = orjson.loads(os.pread(self._file.fileno(), end - start, start))
        return content

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        self._file.close()
