"""Finished chunks of a long stage, kept outside its outputs, so that a killed stage can resume.

Chunks are stored under a fingerprint of inputs, parameters and code; a run with another fingerprint does not see them.
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from reset.files import tables
from reset.runs.cluster import Build, Spread


class Piece(Protocol):
    """The input of a chunk: some of its rows may be known without computing them."""

    @property
    def rest(self) -> Any:
        """What must be computed; empty if nothing must."""
        ...

    def rows(self, computed: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
        """Return the chunk's rows, from what was known and what was `computed` of `rest`."""
        ...


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

    def fill(
        self, schema: pa.Schema, pieces: Iterable[tuple[int, Piece]], build: Build, spread: Spread
    ) -> Iterator[tuple[int, bool]]:
        """Store the chunks that are missing; `spread` decides where what is not known of them is computed.

        Yields for each chunk, as soon as it is stored, its number and whether nothing of it was computed.
        """
        found: list[int] = []  # chunks of which nothing was computed, and not yielded yet
        begun: dict[int, Piece] = {}

        def missing() -> Iterator[tuple[int, Any]]:
            for number, piece in pieces:
                if not self.has(number) and piece.rest:
                    begun[number] = piece
                    yield number, piece.rest
                    continue
                if not self.has(number):
                    self.write(number, schema, piece.rows([]))
                found.append(number)

        for number, computed in spread(missing(), build):
            self.write(number, schema, begun.pop(number).rows(computed))
            yield from ((earlier, True) for earlier in found)
            found.clear()
            yield number, False
        yield from ((earlier, True) for earlier in found)

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
