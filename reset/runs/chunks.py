"""Finished chunks of a long stage, kept outside its outputs, so that a killed stage goes on where it was.

A store belongs to one fingerprint of inputs, parameters and code; another fingerprint never sees its chunks.
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from reset.files import tables
from reset.runs.cluster import Build, Pieces, Spread


class Chunks:
    """The chunks of one fingerprint under `folder`, numbered from 0; a chunk is there whole or not at all."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._folder, self._mine = folder, folder / fingerprint

    def _path(self, index: int) -> Path:
        return self._mine / f"{index:06d}.parquet"

    def has(self, index: int) -> bool:
        """Say whether chunk `index` is finished."""
        return self._path(index).is_file()

    def write(self, index: int, schema: pa.Schema, rows: Iterable[Mapping[str, Any]]) -> None:
        """Keep the rows of chunk `index`."""
        tables.write(self._path(index), schema, rows)

    def fill(self, schema: pa.Schema, pieces: Pieces, build: Build, spread: Spread) -> Iterator[tuple[int, bool]]:
        """Work on the pieces that have no chunk yet, by `spread`.

        Yields the number of each chunk as soon as it is there, and whether it was there before.
        """
        found: list[int] = []

        def missing() -> Pieces:
            for number, piece in pieces:
                if self.has(number):
                    found.append(number)
                else:
                    yield number, piece

        for number, rows in spread(missing(), build):
            self.write(number, schema, rows)
            yield from ((one, True) for one in found)
            found.clear()
            yield number, False
        yield from ((one, True) for one in found)

    def assemble(self, schema: pa.Schema, indices: Iterable[int]) -> Iterator[tables.Row]:
        """Yield the rows of the chunks in the order of `indices`."""
        for index in indices:
            yield from tables.read(self._path(index), schema)

    def discard_others(self) -> None:
        """Remove the stores of other fingerprints in the same folder."""
        if self._folder.is_dir():
            for other in self._folder.iterdir():
                if other.is_dir() and other.name != self._mine.name:
                    shutil.rmtree(other)

    def clear(self) -> None:
        """Remove this store: its rows are in the output now."""
        shutil.rmtree(self._mine, ignore_errors=True)
