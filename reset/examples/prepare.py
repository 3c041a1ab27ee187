"""Preparation: raw records to the examples table, one file per split, every record counted.

A record is kept, or set aside for a reason that its source gives or one of these:

- broken: the source cannot read it
- text with broken Unicode or a NUL character, or longer than `max_chars`
- an empty instruction, question, context or answer
- duplicate: the same instruction, question, passages and first reference as an earlier row, apart from whitespace and
  Unicode composition. Test rows are compared with test rows alone, all others with each other; a training row that
  repeats a test is left to stage `screen`. Files are read in the order train, dev, test.
- duplicate id: the id of an earlier row of its split

Files are read a few megabytes at a time, by as many processes as there are cores.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from itertools import compress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reset.errors import ResetError
from reset.examples.content_hashes import Seen
from reset.examples.example_rows import NOT_TEXT
from reset.examples.raw_rows import BROKEN, Aside, Batch, Maker, Span
from reset.examples.splits import Splits
from reset.files import schemas, tables
from reset.files.atomic import whole_folder
from reset.files.row_accounts import Account
from reset.runs.parallel import parallel_map
from reset.sources import Joined, Source

FILES = (*schemas.SPLITS, "records")
SPAN = 4 << 20  # bytes that a process reads at a time
ALONE = 32 << 20  # below this many bytes, starting processes would take longer than the work


def prepare(
    source: Source,
    raw: Path,
    into: Path,
    *,
    dataset: str,
    shares: Mapping[str, float] | None,
    dev_from_train: float | None = None,
    max_set_aside: float,
    max_broken: float,
    max_chars: int,
) -> Account:
    """Write the examples of the folder `raw` to {train,dev,test}.parquet in the folder `into`, all three or none.

    A split that a record or its file's name gives is kept. `shares` gives the probability of each split for the records
    that have none, drawn by a stable hash of the id; `dev_from_train` is the share of the given training records that
    become dev, drawn in the same way. The account says how many rows came by which rule.

    Raises `ResetError`, with file and line, if a record and its file's name give different splits or if more than the
    fraction `max_broken` of all records is broken, and if more than `max_set_aside` is set aside.
    """
    maker = Maker(source, Splits(dataset, shares, dev_from_train), max_chars)
    spans = list(_spans(_files(raw), whole=isinstance(source, Joined)))
    account, deduplicator, line_numbers = Account(), _Deduplicator(), _LineNumbers()
    with whole_folder(into) as folder, ExitStack() as stack:
        writers = {
            split: stack.enter_context(tables.Writer(folder / f"{split}.parquet", schemas.EXAMPLES))
            for split in schemas.SPLITS
        }
        batches = parallel_map(maker.rows, spans, alone=_total_bytes(spans) < ALONE)
        for span, batch in zip(spans, batches, strict=True):
            first = line_numbers.first(span, batch.lines)
            kept, repeated = deduplicator.filter(batch)
            for aside in sorted([*batch.aside, *repeated], key=lambda aside: aside.line):
                place = f"{span.path}:{first + aside.line}"
                account.leave(aside.reason, where=f"{place}: {aside.detail}" if aside.detail else place)
            for rule, rows in Counter(compress(batch.rules, kept.tolist())).items():
                account.keep(rows, by=rule)
            for split, table in _by_split(batch.rows if kept.all() else batch.rows.filter(kept)):
                writers[split].write_table(table)
        _check_limits(account, dataset, max_set_aside, max_broken)
    return account


def _files(raw: Path) -> list[Path]:
    if not raw.is_dir():
        raise ResetError(f"{raw}: no such folder (the stage `fetch` writes it)")
    files = [path for name in FILES if (path := raw / f"{name}.jsonl").is_file()]
    if not files:
        raise ResetError(f"{raw}: holds none of {', '.join(f'{name}.jsonl' for name in FILES)}")
    return files


def _spans(files: Iterable[Path], *, whole: bool) -> Iterator[Span]:
    """Split files into spans of whole lines, each of `SPAN` bytes or a little more; with `whole`, one span per file."""
    for path in files:
        size, start = path.stat().st_size, 0
        with path.open("rb") as stream:
            while start < size:
                stream.seek(size if whole else min(start + SPAN, size))
                stream.readline()
                yield Span(path, start, stream.tell())
                start = stream.tell()


def _total_bytes(spans: Iterable[Span]) -> int:
    return sum(span.end - span.start for span in spans)


def _by_split(rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    splits = pc.unique(rows["split"]).to_pylist()
    for split in splits:
        yield split, rows if len(splits) == 1 else rows.filter(pc.equal(rows["split"], split))


class _LineNumbers:
    """Counts the lines of a file before each span, so that messages can give a record's line number."""

    def __init__(self) -> None:
        self._path, self._lines = Path(), 0

    def first(self, span: Span, lines: int) -> int:
        """Return the number (from 1) of the first line of a span of `lines` lines; call it for all spans in order."""
        if span.path != self._path:
            self._path, self._lines = span.path, 0
        self._lines += lines
        return self._lines - lines + 1


class _Deduplicator:
    """Keeps the first row of each content and of each id."""

    def __init__(self) -> None:
        self._contents, self._ids = Seen(), Seen()

    def filter(self, batch: Batch) -> tuple[np.ndarray, list[Aside]]:
        """Return which rows are kept, (rows,) bool, and the reason for each of the others."""
        old_contents, old_ids = self._contents.known(batch.contents), self._ids.known(batch.ids)
        new_contents: set[int] = set()
        new_ids: set[int] = set()
        kept = np.zeros(len(batch.at), dtype=bool)
        repeated = []
        for row, (content, name) in enumerate(zip(batch.contents.tolist(), batch.ids.tolist(), strict=True)):
            if old_contents[row] or content in new_contents:
                repeated.append(Aside(batch.at[row], "duplicate"))
            elif old_ids[row] or name in new_ids:
                repeated.append(Aside(batch.at[row], "duplicate id"))
            else:
                kept[row] = True
                new_contents.add(content)
                new_ids.add(name)
        self._contents.add(batch.contents[kept])
        self._ids.add(batch.ids[kept])
        return kept, repeated


def _check_limits(account: Account, dataset: str, max_set_aside: float, max_broken: float) -> None:
    """Raise `ResetError` if there are no records, or too many were broken or set aside."""
    if not account.rows_in:
        raise ResetError(f"{dataset}: no records")
    broken = {reason: count for reason in (BROKEN, *NOT_TEXT) if (count := account.set_aside[reason])}
    if sum(broken.values()) > max_broken * account.rows_in:
        first = account.where[next(iter(broken))][0]
        raise ResetError(
            f"{dataset}: {sum(broken.values())} of {account.rows_in} records are broken, more than prepare.max_broken "
            f"({max_broken:.1%}); first: {first}"
        )
    share = 1 - account.rows_out / account.rows_in
    if share > max_set_aside:
        raise ResetError(
            f"{dataset}: {share:.1%} of the records set aside, max_set_aside is {max_set_aside:.1%} ({account})"
        )
