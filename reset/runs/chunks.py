"""Finished chunks of a long stage, kept outside its outputs, so that a killed stage can resume.

Chunks are stored under a fingerprint of inputs, parameters and code; a run with another fingerprint does not see them.
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from reset.files import tables
from reset.runs.cluster import Build, Pieces, Spread


class Chunks:
    """The chunks of one fingerprint under `folder`, numbered from 0; each is complete or absent."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._folder, self._mine = folder, folder / fingerprint

    def _path(self, index: int) -> Path:
        return self._mine / f"{index:06d}.parquet"

    def has(self, index: int) -> bool:
        """Whether chunk `index` is finished."""
        return self._path(index).is_file()

    def write(self, index: int, schema: pa.Schema, rows: Iterable[Mapping[str, Any]]) -> None:
        """Store the rows of chunk `index`."""
        tables.write(self._path(index), schema, rows)

    def fill(self, schema: pa.Schema, pieces: Pieces, build: Build, spread: Spread) -> Iterator[tuple[int, bool]]:
        """Compute and store the chunks that are missing; `spread` decides where they are computed.

        Yields for each chunk, as soon as it is stored, its number and whether an earlier run stored it.
        """
        stored_before: list[int] = []  # and not yielded yet

        def missing() -> Pieces:
            for number, piece in pieces:
                if self.has(number):
                    stored_before.append(number)
                else:
                    yield number, piece

        for number, rows in spread(missing(), build):
            self.write(number, schema, rows)
            yield from ((earlier, True) for earlier in stored_before)
            stored_before.clear()
            yield number, False
        yield from ((earlier, True) for earlier in stored_before)

    def assemble(self, schema: pa.Schema, indices: Iterable[int]) -> Iterator[tables.Row]:
        """Yield the rows of the chunks `indices`, in that order."""
        for index in indices:
            yield from tables.read(self._path(index), schema)

    def discard_others(self) -> None:
        """Delete the chunks of other fingerprints in the same folder."""
        if self._folder.is_dir():
            for other in self._folder.iterdir():
                if other.is_dir() and other.name != self._mine.name:
                    shutil.rmtree(other)

    def clear(self) -> None:
        """Delete the chunks of this fingerprint, once their rows are in the output."""
        shutil.rmtree(self._mine, ignore_errors=True)
