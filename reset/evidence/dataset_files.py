"""Write tables as Parquet files in the layout of the Hugging Face hub: `<config>/<split>-00000-of-00001.parquet`."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from reset.files.tables import ROW_GROUP

SHARD_BYTES = 500_000_000  # a file is closed once it is this large, as the hub advises


@dataclass
class Split:
    """One split of a configuration, and what was written of it."""

    config: str
    name: str
    of: str  # the schema in `reset.files.schemas` that says what its columns mean
    schema: pa.Schema
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)  # rows by data set and task
    memory: int = 0  # bytes of all rows as Arrow tables
    disk: int = 0  # bytes of all files

    @property
    def rows(self) -> int:
        """The number of its rows."""
        return self.counts.total()


def write(folder: Path, split: Split, groups: Iterable[pa.Table]) -> None:
    """Write the rows of `split`, of which one of the `groups` at a time is in memory, and count them.

    Nothing is written of a split without rows: the hub's loader refuses a file of none.
    """
    under = folder / split.config
    under.mkdir(exist_ok=True)
    waiting = (group for group in groups if len(group))
    paths: list[Path] = []
    while (group := next(waiting, None)) is not None:
        paths.append(under / f"{split.name}-{len(paths):05d}")
        _file(paths[-1], split, chain([group], waiting))
    for number, path in enumerate(paths):
        split.disk += path.stat().st_size
        path.rename(under / f"{split.name}-{number:05d}-of-{len(paths):05d}.parquet")


def _file(path: Path, split: Split, groups: Iterator[pa.Table]) -> None:
    """Write groups to one file until there are no more, or it is large."""
    with path.open("wb") as stream, pq.ParquetWriter(stream, split.schema, compression="zstd") as writer:
        for group in groups:
            writer.write_table(group, row_group_size=ROW_GROUP)
            split.memory += group.nbytes
            split.counts.update(zip(group["dataset"].to_pylist(), group["task"].to_pylist(), strict=True))
            if stream.tell() >= SHARD_BYTES:
                return


def read(file: Path, schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield the columns of `schema` in `file`, by row groups."""
    for batch in pq.ParquetFile(file).iter_batches(batch_size=ROW_GROUP, columns=schema.names):
        yield pa.Table.from_batches([batch]).cast(schema)


def without_maps(file: Path, schema: pa.Schema) -> tuple[pa.Schema, Iterator[pa.Table]]:
    """Return a schema with a struct in place of each map, and the rows; the fields are the keys that occur."""
    maps = [one.name for one in schema if pa.types.is_map(one.type)]
    wanted = schema
    for name in maps:
        keys = sorted({key for group in read(file, schema) for cell in group[name].to_pylist() for key, _ in cell})
        kind = pa.struct([pa.field(key, schema.field(name).type.item_type) for key in keys])
        wanted = wanted.set(wanted.get_field_index(name), pa.field(name, kind))
    return wanted, (_structs(group, maps, wanted) for group in read(file, schema))


def _structs(group: pa.Table, maps: Iterable[str], wanted: pa.Schema) -> pa.Table:
    for name in maps:
        cells = group[name].to_pylist(maps_as_pydicts="strict")
        place = wanted.get_field_index(name)
        group = group.set_column(place, wanted.field(name), pa.array(cells, wanted.field(name).type))
    return group
