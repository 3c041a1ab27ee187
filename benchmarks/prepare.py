"""`prepare` against the plain map of the `datasets` library: rows per second and peak memory, side by side.

Records of realistic length in three layouts are written once (text is made up, ids and numbers differ from row to row).
Then each of the two reads the same JSON Lines and leaves Parquet, with the same pure function from record to example:

- ours: `reset.preparation.prepare`, with its checks, duplicates and accounts;
- map: `load_dataset("json")`, `map` in one process, `filter`, `to_parquet`. It looks for no duplicates.

Each run is a process of its own, so that its peak memory is: the largest sum of the resident memory of the process and
its children. The clock stands still while libraries are imported. Ours on its own at a tenth of the rows and at all of
them shows whether memory and cost per row stay flat.
"""

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import click
import psutil

from benchmarks.result import check, publish
from reset.sources import Example, Source
from reset.sources.construction import construct

LIMITS = {"max_set_aside": 0.95, "max_broken": 0.01, "max_chars": 1_000_000}
POLL_S = 0.02
# layout -> source, rows compared, of them in a quick run
LAYOUTS = {
    "instructions": ("dolly", 250_000, 60_000),
    "summaries": ("cnn_dailymail", 120_000, 30_000),
    "retrieval": ("nq", 20_000, 6_000),
}
FLAT = (50_000, 500_000)  # rows of `summaries`, contexts of about 1,000 tokens
FLAT_QUICK = (20_000, 200_000)
ROUNDS = 3


def words(rng: random.Random, count: int) -> list[str]:
    """Made-up words, as long as English ones."""
    return ["".join(rng.choices("etaoinshrdlucmfw", k=rng.randint(2, 8))) for _ in range(count)]


def records(layout: str, count: int) -> Iterator[dict[str, Any]]:
    """Yield raw records of a layout; paragraphs are drawn from a pool, so that making them is fast."""
    rng = random.Random(0)
    known = words(rng, 5_000)
    pool = [" ".join(rng.choices(known, k=100)) for _ in range(3_000)]
    for number in range(count):
        if layout == "instructions":
            parts = rng.choices(pool, k=3)
            text = {"instruction": f"{number}: {parts[0][:250]}", "response": " ".join(parts[1:])}
            yield {**text, "context": "", "category": "open_qa"}
        elif layout == "summaries":
            yield {"article": f"{number} " + " ".join(rng.choices(pool, k=8)), "highlights": rng.choice(pool)[:300],
                   "id": f"{number:040x}"}  # fmt: skip
        else:
            found = rng.choices(pool, k=100)
            contexts = [
                {"id": f"wiki:{number}", "title": text[:20], "text": text, "score": "80.1", "has_answer": False}
                for text in found
            ]
            answer = " ".join(found[rng.randrange(8)].split()[10:12])
            yield {"question": f"what {number} {found[0][:40]}", "answers": [answer], "ctxs": contexts}


def write(path: Path, layout: str, count: int) -> None:
    """Write so many records as the raw training file in the folder `path`."""
    path.mkdir(parents=True)
    with (path / "train.jsonl").open("w", encoding="utf-8") as target:
        for record in records(layout, count):
            target.write(json.dumps(record) + "\n")


def ours(source: Source, raw: Path, into: Path) -> Callable[[], int]:
    """The stage's own function."""
    from reset.preparation import prepare

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


def measured(who: str, layout: str, raw: Path, scratch: Path) -> dict[str, float]:
    """Run one side in a process of its own: rows out, seconds, peak memory in bytes of it and its children."""
    command = [sys.executable, "-m", "benchmarks.prepare", "--run", who, layout, str(raw), str(scratch / "out")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    tree, peak = psutil.Process(process.pid), 0
    while process.poll() is None:
        peak = max(peak, _resident(tree))
        time.sleep(POLL_S)
    output = process.stdout.read() if process.stdout else ""
    if process.returncode:
        raise click.ClickException(f"{' '.join(command)} failed")
    return {**json.loads(output.splitlines()[-1]), "peak": peak}


def _resident(tree: psutil.Process) -> int:
    total = 0
    for process in (tree, *_children(tree)):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def _children(tree: psutil.Process) -> list[psutil.Process]:
    try:
        return tree.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def compared(layout: str, rows: int, rounds: int) -> dict[str, Any]:
    """Ours and the map in turn, `rounds` times; medians."""
    found: dict[str, list[dict[str, float]]] = {"ours": [], "map": []}
    with TemporaryDirectory() as folder:
        raw = Path(folder) / "raw"
        write(raw, layout, rows)
        size = (raw / "train.jsonl").stat().st_size
        for number in range(rounds):
            for who, runs in found.items():
                with TemporaryDirectory(dir=folder) as scratch:
                    runs.append(measured(who, layout, raw, Path(scratch)))
                click.echo(f"{layout} {rows} rows, round {number + 1}, {who}: {runs[-1]}")
    speed = {who: rows / median(run["seconds"] for run in runs) for who, runs in found.items()}
    peak = {who: max(run["peak"] for run in runs) for who, runs in found.items()}
    ratio = speed["ours"] / speed["map"]
    return {"rows": rows, "bytes": size, "rows_per_s": speed, "peak_bytes": peak, "ratio": ratio, "runs": found}


def flat(sizes: tuple[int, int], rounds: int) -> dict[str, Any]:
    """Ours on `summaries` at both sizes: how cost per row and peak memory grow."""
    per_row, peak = {}, {}
    for rows in sizes:
        with TemporaryDirectory() as folder:
            write(Path(folder) / "raw", "summaries", rows)
            runs = [measured("ours", "summaries", Path(folder) / "raw", Path(folder)) for _ in range(rounds)]
        per_row[rows] = min(run["seconds"] for run in runs) / rows
        peak[rows] = min(run["peak"] for run in runs)
        click.echo(f"summaries {rows} rows: {per_row[rows] * 1e6:.1f} us per row, peak {peak[rows] / 2**20:.0f} MiB")
    few, many = sizes
    growth = {"cost": per_row[many] / per_row[few] - 1, "memory": peak[many] / peak[few] - 1}
    return {"rows": sizes, "seconds_per_row": per_row, "peak_bytes": peak, "growth": growth}


@click.command()
@click.option("--quick", is_flag=True, help="Fewer rows and rounds.")
@click.option("--run", nargs=4, hidden=True, help="One side of one layout: ours or map, layout, raw folder, output.")
def main(quick: bool, run: tuple[str, str, str, str] | None) -> None:
    """Measure `prepare` against the map of `datasets`."""
    if run:
        _run(*run)
        return
    rounds = 1 if quick else ROUNDS
    sizes = {layout: small if quick else large for layout, (_, large, small) in LAYOUTS.items()}
    layouts = {layout: compared(layout, rows, rounds) for layout, rows in sizes.items()}
    growth = flat(FLAT_QUICK if quick else FLAT, 2)
    checks = [check(f"{name}: rows/s over datasets map", side["ratio"], ">= 3.0") for name, side in layouts.items()]
    many = max(growth["rows"])
    checks += [
        check("cost per row, growth over ten times the rows", growth["growth"]["cost"], "<= 0.1"),
        check("peak memory, growth over ten times the rows", growth["growth"]["memory"], "<= 0.1"),
        check(f"peak memory at {many} rows, GB", growth["peak_bytes"][many] / 1e9, "<= 2.0"),
    ]
    publish("prepare", checks, libraries=["datasets", "pyarrow", "orjson"], quick=quick, layouts=layouts, flat=growth)


def _run(who: str, layout: str, raw: str, into: str) -> None:
    source = construct(LAYOUTS[layout][0], {}, key="benchmark")
    work = {"ours": ours, "map": plain_map}[who](source, Path(raw), Path(into))
    start = time.perf_counter()
    rows = work()
    click.echo(json.dumps({"rows": rows, "seconds": time.perf_counter() - start}))


if __name__ == "__main__":
    main()
