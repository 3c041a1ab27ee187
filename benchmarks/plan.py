"""The plan against a finished run: bytes of every model folder, tokens of every system, answers of every pool.

The plan is made in a folder of its own that holds what there is before anything is trained: params.yaml, the mixtures
and the drawn prompts; then once more with the last run's metrics beside them. What it says is set beside what the run
wrote. How long answers will be is known to nobody before, so the first plan may be 15 % off where they count; what can
be counted, and what repeats the last run, must be nearer. `benchmarks.plan_memory` has the memory.
"""

import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from benchmarks.result import check, publish
from reset import params
from reset.params.document import Params
from reset.planning import workload
from reset.planning.plan import Rates, plan

BEFORE = ("params.yaml", "data/mixtures", "data/prompts")
AGAIN = (*BEFORE, "metrics")


@contextlib.contextmanager
def only(run: Path, names: tuple[str, ...]) -> Iterator[None]:
    """Work in a folder that holds nothing of `run` but those names."""
    with TemporaryDirectory() as folder:
        for name in names:
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to((run / name).resolve())
        with contextlib.chdir(folder):
            yield


def measured(run: Path, p: Params) -> dict[str, dict[str, Mapping[str, Any]]]:
    """What the run wrote, under the names that the plan has for it."""
    systems, pools = {}, {}
    for name in p.systems:
        figures = json.loads((run / f"metrics/train/{name}.json").read_text())
        disk = sum(file.stat().st_size for file in (run / "models" / name).rglob("*") if file.is_file())
        systems[name] = {"disk": disk, "rows": figures["rows_out"], "tokens_per_epoch": figures["tokens"]}
        systems[name]["steps"] = figures["steps"]
    for name in p.pools:
        figures = json.loads((run / f"metrics/sample/{name}.json").read_text())
        pools[name] = {"answers": figures["rows_out"] - figures["saved_answers"], "tokens": figures["tokens"]}
    return {"systems": systems, "pools": pools}


def beside(planned: Mapping[str, Any], wrote: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row per figure: planned, measured, and by how much of the measured one they differ."""
    return [
        {"name": row[kind[:-1]], "figure": key, "planned": row[key], "measured": value, "off": row[key] / value - 1}
        | {"at_most": row["basis"].startswith(workload.AT_MOST)}
        for kind in ("systems", "pools")
        for row in planned[kind]
        for key, value in wrote[kind][row[kind[:-1]]].items()
    ]


def total(rows: list[dict[str, Any]], key: str) -> float:
    """By how much the sum of a figure over all rows is off, as a share."""
    found = [row for row in rows if row["figure"] == key]
    return abs(sum(row["planned"] for row in found) / sum(row["measured"] for row in found) - 1)


def worst(rows: list[dict[str, Any]], key: str) -> float:
    """By how much the worst row's figure is off, of those planned as more than a bound."""
    return max(abs(row["off"]) for row in rows if row["figure"] == key and not row["at_most"])


@click.command()
@click.option("--run", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Finished run.")
@click.option("--quick", is_flag=True, help="The same: a plan takes seconds.")
def main(run: Path, quick: bool) -> None:
    """Plan a finished run as if it had not been run, and compare."""
    p, run = params.load(run / "params.yaml"), run.resolve()
    wrote, tables, checks = measured(run, p), {}, []
    for when, names, bar in (("before", BEFORE, 0.15), ("again", AGAIN, 0.02)):
        started = time.perf_counter()
        with only(run, names):
            rows = beside(plan(p, Rates(None, None)), wrote)
        click.echo(f"{when}: planned from {', '.join(names)} in {time.perf_counter() - started:.1f} s")
        for row in rows:
            click.echo(
                f"  {row['name']:<22}{row['figure']:<18}{row['planned']:>12,}{row['measured']:>12,}{row['off']:>+9.2%}"
            )
        checks += [
            check(f"{when}: disk of the worst system", worst(rows, "disk"), "<= 0.05"),
            check(f"{when}: trained tokens of all systems", total(rows, "tokens_per_epoch"), f"<= {bar}"),
            check(f"{when}: trained tokens of the worst system", worst(rows, "tokens_per_epoch"), f"<= {bar}"),
            check(f"{when}: answers of the worst pool", worst(rows, "answers"), "<= 0.0"),
        ]
        if when == "before":  # the second plan repeats the lengths of the run that it is compared with
            checks.append(check(f"{when}: answered tokens of all pools", total(rows, "tokens"), f"<= {bar}"))
        tables[when] = rows
    publish("plan", checks, libraries=["torch", "transformers", "trl"], quick=quick, scale=p.scale, **tables)


if __name__ == "__main__":
    main()
