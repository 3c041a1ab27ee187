"""`prepare` against the plain map of the `datasets` library: rows per second and peak memory, side by side.

Records of realistic length in three layouts are written once (text is made up, ids and numbers differ from row to row).
Then each of the two reads the same JSON Lines and leaves Parquet, with the same pure function from record to example:

- ours: `reset.examples.prepare.prepare`, with its checks, duplicates and accounts;
- map: `load_dataset("json")`, `map` in one process, `filter`, `to_parquet`. It looks for no duplicates.

Each run is a process of its own, so that its peak memory is: the largest sum of the resident memory of the process and
its children. The clock stands still while libraries are imported. Ours on its own at a tenth of the rows and at all of
them (`flat`) shows whether memory and cost per row stay flat; `mix` and `screen`, the stages behind it, whether theirs
do (`benchmarks.prepare_stages`).

`--only` measures one piece and keeps the others of the result file as they are, if they were of the same size and
versions; `--records` keeps the made records in a folder, 5.5 GB of them, and takes those that lie there.
"""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import click

from benchmarks.measuring import measured
from benchmarks.prepare_records import made
from benchmarks.prepare_stages import STAGES, TESTS, grown
from benchmarks.result import check, load_average, publish, result_file, versions
from reset.sources import Example, Source
from reset.sources.construction import construct

LIMITS = {"max_set_aside": 0.95, "max_broken": 0.01, "max_chars": 1_000_000}
# layout -> source, rows compared, of them in a quick run
LAYOUTS = {
    "instructions": ("dolly", 250_000, 60_000),
    "summaries": ("cnn_dailymail", 120_000, 30_000),
    "retrieval": ("nq", 20_000, 6_000),
}
FLAT = (50_000, 500_000)  # rows of `summaries`, contexts of about 1,000 tokens
FLAT_QUICK = (20_000, 200_000)
ROUNDS, FLAT_ROUNDS = 3, 2
PIECES = [*LAYOUTS, "flat", *STAGES]
LIBRARIES = ["datasets", "pyarrow", "orjson", "xxhash"]


def ours(source: Source, raw: Path, into: Path) -> Callable[[], int]:
    """The stage's own function."""
    from reset.examples.prepare import prepare

    return lambda: prepare(source, raw, into, dataset="made", shares=None, **LIMITS).rows_out


def plain_map(source: Source, raw: Path, into: Path) -> Callable[[], int]:
    """The library's way, in one process."""
    import datasets

    datasets.disable_progress_bars()
    columns = ("id", "task", "instruction", "question", "passages", "references")

    def row(record: dict[str, Any]) -> dict[str, Any]:
        (outcome,) = source.outcomes([record])
        kept = isinstance(outcome, Example)
        made = {name: getattr(outcome, name) if kept else None for name in columns}
        return {**made, "kept": kept, "split": "train"}

    def run() -> int:
        file, cache = str(raw / "train.jsonl"), str(into.with_suffix(".cache"))
        loaded = datasets.load_dataset("json", data_files=file, split="train", cache_dir=cache)
        mapped = loaded.map(row, remove_columns=loaded.column_names).filter(lambda kept: kept, input_columns="kept")
        mapped.to_parquet(str(into) + ".parquet")
        return len(mapped)

    return run


def compared(layout: str, rows: int, rounds: int, kept: Path) -> dict[str, Any]:
    """Ours and the map in turn, `rounds` times; medians."""
    found: dict[str, list[dict[str, float]]] = {"ours": [], "map": []}
    raw = made(kept, layout, rows)
    size = (raw / "train.jsonl").stat().st_size
    for number in range(rounds):
        for who, runs in found.items():
            with TemporaryDirectory(dir=kept) as scratch:
                runs.append(measured("benchmarks.prepare", who, layout, str(raw), str(Path(scratch) / "out")))
            click.echo(f"{layout} {rows} rows, round {number + 1}, {who}: {runs[-1]}")
    speed = {who: rows / median(run["seconds"] for run in runs) for who, runs in found.items()}
    peak = {who: max(run["peak"] for run in runs) for who, runs in found.items()}
    ratio = speed["ours"] / speed["map"]
    return {"rows": rows, "bytes": size, "rows_per_s": speed, "peak_bytes": peak, "ratio": ratio, "runs": found}


def flat(sizes: tuple[int, int], rounds: int, kept: Path) -> dict[str, Any]:
    """Ours on `summaries` at both sizes: how cost per row and peak memory grow."""
    per_row, peak = {}, {}
    for rows in sizes:
        raw = made(kept, "summaries", rows)
        runs = []
        for _ in range(rounds):
            with TemporaryDirectory(dir=kept) as scratch:
                out = str(Path(scratch) / "out")
                runs.append(measured("benchmarks.prepare", "ours", "summaries", str(raw), out))
        per_row[str(rows)] = min(run["seconds"] for run in runs) / rows
        peak[str(rows)] = min(run["peak"] for run in runs)
        click.echo(f"summaries {rows} rows: {runs}")
    few, many = map(str, sizes)
    growth = {"cost": per_row[many] / per_row[few] - 1, "memory": peak[many] / peak[few] - 1}
    return {"rows": list(sizes), "seconds_per_row": per_row, "peak_bytes": peak, "growth": growth}


def checks(pieces: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The bars of the pieces that were measured."""
    ratios = {name: pieces[name]["ratio"] for name in LAYOUTS if name in pieces}
    found = [check(f"{name}: rows/s over datasets map", ratio, ">= 3.0") for name, ratio in ratios.items()]
    if "flat" in pieces:
        growth, (many, peak) = pieces["flat"]["growth"], list(pieces["flat"]["peak_bytes"].items())[-1]
        found += [
            check("cost per row, growth over ten times the rows", growth["cost"], "<= 0.1"),
            check("peak memory, growth over ten times the rows", growth["memory"], "<= 0.1"),
            check(f"peak memory at {many} rows, GB", peak / 1e9, "<= 2.0"),
        ]
    for stage in (name for name in STAGES if name in pieces):
        found += _stage_checks(stage, pieces[stage])
    return found


def _stage_checks(stage: str, piece: Mapping[str, Any]) -> list[dict[str, Any]]:
    many, last = list(piece["runs"].items())[-1]
    found = [
        check(f"{stage}: peak memory, growth up to {many} rows", max(piece["growth"].values()), "<= 0.1"),
        check(f"{stage}: peak memory at {many} rows, GB", last["peak"] / 1e9, "<= 2.0"),
    ]
    if "near" in last:
        found.append(check(f"{stage}: near-duplicates found, of those there are", last["near"] / TESTS, ">= 0.99"))
    return found


def measured_before(quick: bool) -> dict[str, Any]:
    """The pieces of the result file, if they were measured with these versions."""
    path = result_file("prepare", quick)
    last = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return dict(last["pieces"]) if last.get("versions") == versions(LIBRARIES) else {}


@click.command()
@click.option("--quick", is_flag=True, help="Fewer rows and rounds.")
@click.option("--only", type=click.Choice(PIECES), help="One piece; the others stay as they were.")
@click.option("--records", type=click.Path(file_okay=False, path_type=Path), help="Folder that keeps the made records.")
@click.option("--run", nargs=4, hidden=True, help="One side of one layout: ours or map, layout, raw folder, output.")
def main(quick: bool, only: str | None, records: Path | None, run: tuple[str, str, str, str] | None) -> None:
    """Measure `prepare` against the map of `datasets`."""
    if run:
        _run(*run)
        return
    pieces = measured_before(quick) if only else {}
    with TemporaryDirectory() as folder:
        for name in [only] if only else PIECES:
            pieces[name] = {**_piece(name, quick, records or Path(folder)), "load_average": load_average()}
    publish("prepare", checks(pieces), libraries=LIBRARIES, quick=quick, pieces=pieces)


def _piece(name: str, quick: bool, kept: Path) -> dict[str, Any]:
    if name == "flat":
        return flat(FLAT_QUICK if quick else FLAT, FLAT_ROUNDS, kept)
    if name in STAGES:
        return grown(name, quick, kept)
    _, large, small = LAYOUTS[name]
    return compared(name, small if quick else large, 1 if quick else ROUNDS, kept)


def _run(who: str, layout: str, raw: str, into: str) -> None:
    work = STAGES[who](Path(raw), Path(into)) if who in STAGES else _sides(who, layout, Path(raw), Path(into))
    start = time.perf_counter()
    counted = work()
    click.echo(json.dumps({**counted, "seconds": time.perf_counter() - start}))


def _sides(who: str, layout: str, raw: Path, into: Path) -> Callable[[], dict[str, int]]:
    work = {"ours": ours, "map": plain_map}[who](construct(LAYOUTS[layout][0], {}, key="benchmark"), raw, into)
    return lambda: {"rows": work()}


if __name__ == "__main__":
    main()
