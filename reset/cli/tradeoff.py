"""`reset-lm tradeoff`: winners of a judged pool under other weights and floors, without training."""

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from reset.choosing import judged_pool
from reset.choosing.candidates import bars_of
from reset.choosing.combining import rule_of
from reset.choosing.masking import Mask
from reset.errors import ResetError, nearest
from reset.evidence import tradeoff as trading
from reset.evidence import trained_order
from reset.evidence.revisions import Run
from reset.files import tables
from reset.judges.verdict_names import stand_ins
from reset.objectives import read
from reset.params import row as row_of
from reset.report import tradeoff_page, words

FILE = click.Path(dir_okay=False, path_type=Path)
MOST = 10_000


@click.command()
@click.argument("pool")
@click.option("--set", "curated", help="Row of `curated` whose rules hold.  [default: the pool's first with pick best]")
@click.option(
    "--objective", "varied", multiple=True, help="Objective to weigh; twice or more.  [default: all that meet]"
)
@click.option("--weightings", default=101, show_default=True, help="Ways to share the weights, at least.")
@click.option(
    "--floor",
    "floors",
    multiple=True,
    metavar="NAME=VALUE[,...]",
    help="Floors to try, a set each time.  [default: .25, .5, .75 of each objective]",
)
@click.option("--resamples", default=1000, show_default=True, help="Bootstrap resamples per interval.")
@click.option(
    "--run", "rev", default=".", show_default=True, help="Run to read: a Git revision, a DVC experiment or a folder."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, with all points.")
@click.option("--csv", "table", type=FILE, help="Also write all points to this file.")
@click.option("--html", type=FILE, help="Also write an HTML page with the front drawn to this file.")
def tradeoff(
    pool: str,
    curated: str | None,
    varied: tuple[str, ...],
    weightings: int,
    floors: tuple[str, ...],
    resamples: int,
    rev: str,
    as_json: bool,
    table: Path | None,
    html: Path | None,
) -> None:
    """Show the mean objectives of the winners of the judged POOL under other weights and floors.

    Nothing is trained. The present choice, a random one and the best of each objective are set beside the front: the
    points that no other beats. Each step along the front tells what one objective pays for another. Where systems were
    trained on curated sets of the pool, their order is compared with the order that the sets predict.

    \b
    Example:
      reset-lm tradeoff mtl_candidates
      reset-lm tradeoff mtl_candidates --floor faithfulness=0.5 --floor faithfulness=0.5,task=0.3
      reset-lm tradeoff mtl_candidates --set reset_s --html tradeoff.html --csv tradeoff.csv
    """  # noqa: D301  (click reads the \b)
    if not 2 <= weightings <= MOST or not 1 <= resamples <= MOST:
        raise ResetError(f"--weightings must be from 2 to {MOST:,}, and --resamples from 1 to {MOST:,}")
    with TemporaryDirectory() as scratch:
        run = Run(rev, Path(scratch))
        content = figures(run, pool, curated, varied, [_floors(one) for one in floors], weightings, resamples)
    if table:
        tables.write_csv(table, [_row(point, [*content["chosen"]["weights"]]) for point in content["points"]])
    if html:
        tradeoff_page.write(html, content)
    click.echo(json.dumps(content, indent=2) if as_json else text(content))


def figures(
    run: Run,
    pool: str,
    curated: str | None,
    varied: Sequence[str],
    floors: Sequence[Mapping[str, float]],
    weightings: int,
    resamples: int,
) -> dict[str, Any]:
    """Return all figures of the command; raises `ResetError` if the pool or the set is unknown, or not judged."""
    params = run.yaml("params.yaml")
    row_of(params.get("pools", {}), pool, "pools")
    name, row = _set(params, pool, curated)
    objectives = read(params["objectives"])
    for of in floors:
        for one, least in of.items():
            if not (isfinite(least) if one == "score" else 0 <= least <= 1):
                raise ResetError(
                    f"--floor {one}={least:g} must be {'a finite number' if one == 'score' else 'from 0 to 1'}"
                )
            if one not in (*objectives, "score"):
                raise ResetError(f"Unknown objective '{one}' (--floor). {nearest(one, [*objectives, 'score'])}")
    bars = bars_of(row)
    choice = trading.Choice(
        judged=_judged(run, pool, bars.mask),
        objectives=objectives,
        sweeps=row.get("sweeps", params["pools"][pool]["sweeps"]),
        gold=row.get("gold", False),
        rating=row.get("rating", "rating"),
        share=row.get("share", 1.0),
        bars=bars,
        rule=rule_of(params["select"], row),
        seed=params["seed"],
        without=[] if params["select"].get("stand_ins", True) else sorted(stand_ins(params)),
    )
    found = trading.figures(choice, varied, weightings=weightings, tried=floors, resamples=resamples)
    trained = trained_order.order(run, params, pool, objectives, resamples=resamples)
    return {"pool": pool, "set": name, **found, "trained": trained}


def _set(params: Mapping[str, Any], pool: str, curated: str | None) -> tuple[str | None, Mapping[str, Any]]:
    """The row of `curated` whose rules hold, and its name; None and an empty row if the pool has none."""
    of_pool = {name: row for name, row in params["curated"].items() if row["pool"] == pool}
    if curated is not None:
        return curated, row_of(of_pool, curated, "curated")
    best = [name for name, row in of_pool.items() if row["pick"] == "best"]
    return (best[0], of_pool[best[0]]) if best else (None, {})


def _judged(run: Run, pool: str, mask: Mask | None) -> judged_pool.Judged:
    answers = run.path(f"data/answers/{pool}.parquet")
    verdicts = [path for name in run.files(f"data/verdicts/{pool}") if (path := run.path(name))]
    if answers is None or not verdicts:
        raise ResetError(f"'{run.name}' has no judged answers of pool '{pool}'; run `dvc repro`")
    return judged_pool.load(answers, verdicts, mask)


def _floors(given: str) -> dict[str, float]:
    floors = {}
    for part in given.split(","):
        name, _, value = part.partition("=")
        try:
            floors[name.strip()] = float(value)
        except ValueError:
            raise ResetError(f"--floor is '{given}', must be NAME=VALUE, or several with commas between") from None
    return floors


def _row(point: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return a point as a row of the CSV file: weights, floors, prompts with a winner, means, whether on the front."""
    return {
        **{f"weight_{name}": point["weights"][name] for name in names},
        **{f"floor_{name}": point["floors"].get(name, "") for name in ("score", *names)},
        "prompts": point["prompts"],
        **{name: point["means"].get(name, "") for name in names},
        "front": int(point["front"]),
    }


def text(content: Mapping[str, Any]) -> str:
    """Return the figures as tables for the terminal."""
    chosen = f"as curated set {content['set']} chooses" if content["set"] else "no curated set chooses from it"
    blocks = [f"{content['pool']}: {content['prompts']} prompts, {len(content['points'])} points; {chosen}"]
    blocks += [f"{title}\n{words.aligned(rows)}" for title, rows in tradeoff_page.sections(content)]
    return "\n\n".join([*blocks, "\n".join(tradeoff_page.notes(content))])
