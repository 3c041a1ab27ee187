"""Read CSV (cells parted by commas) and TSV (by tabs) strictly, both with the quotes of RFC 4180.

A record with too many or too few cells, or with bytes that are not UTF-8, is broken, and so is a header that
stands again among the records, as where files were joined. A quote that is not closed, or is
closed within its cell, makes all that follows uncertain and stops the reading.
"""

import csv
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import TextIO

from reset.errors import ResetError
from reset.examples.json_files import INVISIBLE
from reset.examples.raw_json import Broken, undecoded

LONGEST = 1 << 30  # characters of a cell; the csv module's own limit of 128 KiB is shorter than articles
_OTHER_SEPARATORS = ",;\t|"


def cells(path: object, stream: TextIO, separator: str) -> Iterator[dict[str, str] | Broken]:
    """Yield the records of `stream`, whose first record names the columns; empty lines are skipped.

    `stream` must keep line ends as they are, and bytes that are not UTF-8 as halves of surrogate pairs. `path` is for
    messages. Raises `ResetError`, with file and line, where the quotes or the names of the columns cannot be right.
    """
    csv.field_size_limit(LONGEST)
    lines = chain([stream.readline().lstrip(INVISIBLE)], stream)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    columns: list[str] | None = None
    while True:
        start = reader.line_num + 1
        try:
            record = next(reader, None)
        except csv.Error as error:
            raise ResetError(_not_csv(path, start, reader.line_num, str(error))) from error
        if record is None:
            return
        if not record:
            continue
        if columns is None:
            columns = _columns(record, f"{path}:{start}", separator)
        elif fault := _fault(record, columns):
            yield Broken(f"{path}:{start}: {fault}")
        else:
            yield dict(zip(columns, record, strict=True))


def _not_csv(path: object, start: int, line: int, what: str) -> str:
    if "unexpected end" in what:
        return f"{path}:{start}: a quote in this record is never closed"
    if "field larger" in what:
        return f"{path}:{start}: a cell of over {LONGEST} characters: is a quote not closed?"
    return f"{path}:{line}: quotes do not fit ({what}) in the record of line {start}; a quote within quotes is doubled"


def _columns(names: list[str], place: str, separator: str) -> list[str]:
    """Return the names of the columns; one without a name gets its number, `column 3`."""
    if fault := undecoded("".join(names)):
        raise ResetError(f"{place}: {fault}")
    others = [other for other in _OTHER_SEPARATORS if other != separator and other in names[0]]
    if len(names) == 1 and others:
        raise ResetError(
            f"{place}: the header names one column, {names[0]!r}: cells are parted by commas in .csv, by tabs in .tsv"
        )
    repeated = [name for name, count in Counter(names).items() if count > 1 and name]
    if repeated:
        raise ResetError(f"{place}: two columns are named '{repeated[0]}'")
    return [name or f"column {number}" for number, name in enumerate(names, start=1)]


def _fault(record: list[str], columns: list[str]) -> str:
    if record == columns:
        return "the header again"
    if len(record) != len(columns):
        return f"{'more' if len(record) > len(columns) else 'fewer'} cells than columns ({len(record)}, {len(columns)})"
    return undecoded("".join(record))
