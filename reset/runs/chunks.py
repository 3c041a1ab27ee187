"""Finished chunks of a long stage, kept outside its outputs, so that a killed stage can resume.

Chunks are stored under a fingerprint of inputs, parameters and code; a run with another fingerprint does not see them.
"""

import logging
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from reset.files import tables
from reset.files.hashing import file_hash
from reset.runs.cluster import Build, Spread

HASH = 16  # hex digits in a chunk's name

log = logging.getLogger(__name__)


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
        there = self._mine.glob("[0-9]*.*.parquet")  # number, and hash of the content
        self._paths = {int(path.name.partition(".")[0]): path for path in there}

    def has(self, index: int) -> bool:
        """Whether chunk `index` is finished."""
        return index in self._paths and self._paths[index].is_file()

    def write(self, index: int, schema: pa.Schema, rows: Iterable[Mapping[str, Any]]) -> None:
        """Store the rows of chunk `index`."""
        new = self._mine / f".{index:06d}.new"
        tables.write(new, schema, rows)
        self._paths[index] = new.rename(self._mine / f"{index:06d}.{file_hash(new)[:HASH]}.parquet")

    def sound(self, index: int) -> bool:
        """Whether chunk `index` is finished and as it was written; one that is damaged is deleted, to be made again."""
        if not self.has(index):
            return False
        path = self._paths[index]
        if file_hash(path)[:HASH] == path.name.split(".")[1]:
            return True
        log.warning("%s: damaged; it is made again", path)
        path.unlink()
        return False

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
                there = self.sound(number)
                if not there and piece.rest:
                    begun[number] = piece
                    yield number, piece.rest
                    continue
                if not there:
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
            yield from tables.read(self._paths[index], schema)

    def discard_others(self) -> None:
        """Delete the chunks of other fingerprints in the same folder."""
        if self._folder.is_dir():
            for other in self._folder.iterdir():
                if other.is_dir() and other.name != self._mine.name:
                    shutil.rmtree(other)

    def clear(self) -> None:
        """Delete the chunks of this fingerprint, once their rows are in the output."""
        shutil.rmtree(self._mine, ignore_errors=True)
