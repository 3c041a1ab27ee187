"""`reset-lm seeds`: summarise repeated runs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from reset import objectives
from reset.evidence import revisions
from reset.evidence import seeds as repeated
from reset.report import lineage, seed_table, seedpage, words


@click.command()
@click.argument("runs", nargs=-1, required=True)
@click.option(
    "--pair", "pairs", nargs=2, multiple=True, help="Two systems to compare, first minus second; may be repeated."
)
@click.option("--resamples", default=1000, show_default=True, help="Bootstrap resamples per interval.")
@click.option("--seed", default=0, show_default=True, help="Seed of the bootstrap.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Also write an HTML page to this file.")
def seeds(
    runs: tuple[str, ...],
    pairs: tuple[tuple[str, str], ...],
    resamples: int,
    seed: int,
    as_json: bool,
    html: Path | None,
) -> None:
    """Summarise repeated RUNS: Table 4 as their mean, mean and spread of every macro score, paired differences.

    Intervals are of 95 %, over runs and prompts. Pairs are those of `report.comparisons` in the first run's
    params.yaml, scores those that its objectives compare. A run is a Git revision, a DVC experiment (listed by `dvc exp
    show`) or a folder with data/scores and metrics/systems. Nothing is checked out: files come from DVC's cache or
    remote.

    \b
    Example:
      dvc exp run -S seed=1 -n seed-1
      dvc exp run -S seed=2 -n seed-2
      reset-lm seeds HEAD seed-1 seed-2 --pair mtl_reset mtl
      reset-lm seeds HEAD seed-1 seed-2 --html seeds.html
      reset-lm seeds HEAD seed-1 seed-2 --json > docs/seeds.json   # `report.seeds`: the report shows its Table 4
    """  # noqa: D301  (click reads the \b)
    if repeats := [run for place, run in enumerate(runs) if run in runs[:place]]:
        raise click.UsageError(f"'{repeats[0]}' is given twice; counting a run twice would narrow the intervals")
    with TemporaryDirectory() as scratch:
        folders = {
            run: revisions.folder(run, repeated.FOLDERS, Path(scratch) / str(place)) for place, run in enumerate(runs)
        }
        said = declared(runs, Path(scratch))
        report = said.get("report", {})
        figures = {
            "scale": said.get("scale"),
            **repeated.gather(
                folders,
                pairs or report.get("comparisons", []),
                report.get("paper_rows", {}),
                objectives.read(said.get("objectives", {})),
                report.get("tradeoff", []),
                resamples=resamples,
                seed=seed,
            ),
        }
    if html:
        seedpage.write(html, figures, report.get("tradeoff", []), of(said))
    click.echo(json.dumps(figures, indent=2) if as_json else text(figures))


def of(said: Mapping[str, Any]) -> lineage.Lineage:
    """Return which system was made of which, as params.yaml says."""
    models = {name: row["model"] for name, row in said.get("pools", {}).items()}
    made = {**said.get("systems", {}), **said.get("interpolated", {})}
    inits = {name: row["init"] for name, row in made.items()}
    return lineage.lineage(models, inits, said.get("evaluate", {}).get("systems", []))


def declared(runs: Sequence[str], scratch: Path) -> Mapping[str, Any]:
    """Return the params.yaml of the first run that declares comparisons, else of the workspace, else objectives."""
    files: list[Mapping[str, Any]] = [
        revisions.Run(name, scratch / f"params{number}").yaml("params.yaml") for number, name in enumerate((*runs, "."))
    ]
    comparing = [params for params in files if params.get("report", {}).get("comparisons")]
    return next(iter([*comparing, *(params for params in files if "objectives" in params)]), {})


def text(figures: Mapping[str, Any]) -> str:
    """Return the figures as tables for the terminal."""
    scores = [
        [
            *(row["system"], words.label(row["score"], row.get("stand_in"))),
            *(words.figure(row["mean"]), words.figure(row["sd"]), str(len(row["runs"]))),
        ]
        for row in figures["scores"]
    ]
    pairs = [
        [
            f"{pair['system']} {words.MINUS} {pair['against']}",
            measure,
            words.signed(row),
            words.interval(row) or words.unknown(row),
        ]
        for pair in figures["differences"]
        for measure, row in pair["measures"].items()
    ]
    table = seed_table.shown(figures["table4"])
    blocks = [words.aligned([list(table[0]), *([str(cell) for cell in row.values()] for row in table)])]
    blocks += [words.aligned([["system", "score", "mean", "sd", "runs"], *scores])]
    if pairs:
        blocks.append(words.aligned([["paired difference", "score", "mean", "95 % interval"], *pairs]))
    return "\n\n".join(blocks)
