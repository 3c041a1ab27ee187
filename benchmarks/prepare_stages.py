"""The stages behind `prepare`, `screen` and `mix`, over examples of realistic length: memory and seconds at each size.

Two thirds of the rows are `summaries`, contexts of about 1,000 tokens, and a third `instructions`; the paper has 510k
and 257k. Tests are the same at each size, copies of training rows less their first words: near-duplicates that `screen`
has to find.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from benchmarks.measuring import measured
from benchmarks.prepare_records import records
from reset.examples import mix as mixing
from reset.examples import screen as screening
from reset.examples.raw_rows import example_row
from reset.files import schemas, tables
from reset.files.atomic import whole_folder
from reset.sources import Example, Source
from reset.sources.construction import construct

# rows, rows in a quick run, rounds, of which the one of the lowest peak counts
SIZES = {"mix": ((50_000, 500_000, 750_000), (12_000, 120_000), 2), "screen": ((50_000, 750_000), (12_000, 60_000), 1)}
TESTS = 5_000
DATASETS = {"instructions": ("dolly", 1 / 3), "summaries": ("cnn_dailymail", 2 / 3)}
NEAR: dict[str, Any] = {"near": "count", "threshold": 0.8, "permutations": 128, "shingle": 5, "duplicates": "drop"}


def mix(examples: Path, into: Path) -> Callable[[], dict[str, int]]:
    """The stage's own function, each data set a part, the smaller one up-sampled; returns rows in and out."""
    settings: dict[str, Any] = {"split": "train", "take": {}, "rows": None, "upsample": True, "left_out": {}}

    def run() -> dict[str, int]:
        parts = {name: [name] for name in DATASETS}
        account, given = mixing.mix(examples, into, parts=parts, template="alpaca", seed=0, **settings)
        return {"rows": account.rows_out, "out": sum(row["rows"] for row in given)}

    return run


def screen(examples: Path, into: Path) -> Callable[[], dict[str, int]]:
    """The stage's own function, which counts near-duplicates; returns rows in and those."""

    def run() -> dict[str, int]:
        account, near = screening.screen(examples, into, **NEAR)
        return {"rows": account.rows_in, "near": sum(near.values())}

    return run


STAGES = {"mix": mix, "screen": screen}


def grown(stage: str, quick: bool, kept: Path) -> dict[str, Any]:
    """What a run counted at each size, its peak memory, and by how much that exceeds the first size's."""
    large, small, rounds = SIZES[stage]
    runs = {}
    for rows in small if quick else large:
        folder = made(kept, rows)
        with TemporaryDirectory(dir=kept) as scratch:
            out = str(Path(scratch) / "out.parquet")
            found = [measured("benchmarks.prepare", stage, "", str(folder), out) for _ in range(1 if quick else rounds)]
        click.echo(f"{stage} {rows} rows: {found}")
        runs[str(rows)] = min(found, key=lambda run: run["peak"])
    first = next(iter(runs.values()))
    return {"runs": runs, "growth": {size: run["peak"] / first["peak"] - 1 for size, run in runs.items()}}


def made(kept: Path, rows: int) -> Path:
    """Return the folder under `kept` with so many training rows and the tests; written unless it is there."""
    folder = kept / f"examples-{rows}"
    if not folder.is_dir():
        with whole_folder(folder) as fresh:
            for dataset, (_, share) in DATASETS.items():
                found = _rows(dataset, "train", round(share * rows))
                tables.write(fresh / dataset / "train.parquet", schemas.EXAMPLES, found)
            copies = map(_shortened, islice(_rows("summaries", "test", TESTS), TESTS))
            tables.write(fresh / "summaries/test.parquet", schemas.EXAMPLES, copies)
    return folder


def _shortened(row: tables.Row) -> tables.Row:
    return {**row, "passages": [text.split(" ", 5)[-1] for text in row["passages"]]}


def _rows(dataset: str, split: str, count: int) -> Iterator[tables.Row]:
    source: Source = construct(DATASETS[dataset][0], {}, key="benchmark")
    for number, outcome in enumerate(source.outcomes(records(dataset, count))):
        if isinstance(outcome, Example):
            yield example_row(replace(outcome, id=str(number)), dataset, split)
