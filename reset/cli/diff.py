"""`reset-lm diff`: compare two runs."""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from reset.evidence import diff as differing
from reset.evidence import gate, repeats
from reset.evidence.revisions import Run
from reset.report import diffpage, words

FAILED = 3  # the exit status if a condition holds; 1 is an error, 2 a wrong option
WIDEST = 100  # characters of a cell in the terminal


@click.command()
@click.argument("a")
@click.argument("b", default=".")
@click.option("--rounds", nargs=2, help="Compare system X of A with system Y of B instead, and the data behind them.")
@click.option("--resamples", default=1000, show_default=True, help="Bootstrap resamples per interval.")
@click.option("--seed", default=0, show_default=True, help="Seed of the bootstrap.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--fail-if", multiple=True, metavar="CONDITION", help="Exit with status 3 if it holds. Give it again for more."
)
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Also write an HTML page to this file.")
@click.pass_context
def diff(
    context: click.Context,
    a: str,
    b: str,
    rounds: tuple[str, str] | None,
    resamples: int,
    seed: int,
    as_json: bool,
    fail_if: tuple[str, ...],
    html: Path | None,
) -> None:
    """Compare runs A and B: parameters, scores, rows of each table, winners, judges, decode settings.

    A run is a Git revision, a DVC experiment or a folder; B defaults to the workspace. Nothing is checked out: files
    come from DVC's cache or remote. Differences are B minus A, on the same test prompts.

    A CONDITION of --fail-if names an average and a limit, of every system or of one: the exit status is 3 if a
    difference is beyond the limit, so that CI can tell it from an error, which is 1. Beside each stands the least
    difference that so many prompts can show.

    \b
    Example:
      reset-lm diff HEAD~1
      reset-lm diff main my-experiment --html diff.html
      reset-lm diff . --rounds mtl_reset mtl_reset_2
      reset-lm diff main --fail-if 'unseen faithfulness < -0.02' --fail-if 'mtl_reset: task < -0.05'
    """  # noqa: D301  (click reads the \b)
    with TemporaryDirectory() as scratch:
        sides = [Run(name, Path(scratch) / side) for side, name in (("a", a), ("b", b))]
        conditions = gate.read(fail_if, *sides)
        comparison = differing.compare(sides[0], sides[1], rounds=rounds, resamples=resamples, seed=seed)
    comparison["conditions"] = list(gate.results(comparison, conditions))
    if html:
        diffpage.write(html, comparison)
    click.echo(json.dumps(comparison, indent=2, ensure_ascii=False) if as_json else text(comparison))
    if any(row["fails"] for row in comparison["conditions"]):
        context.exit(FAILED)


def text(comparison: Mapping[str, Any]) -> str:
    """Return the comparison as tables for the terminal, without scores per data set, ids and texts."""
    blocks = [f"{comparison['a']} (A) and {comparison['b']} (B); differences are B {words.MINUS} A"]
    if len(scales := dict.fromkeys(comparison["scales"])) > 1:
        blocks.append(f"A is of scale {' and B of scale '.join(map(str, scales))}: equal names are different things")
    if stages := comparison["same_inputs_other_outputs"]:
        blocks.append(repeats.line(stages))
    sections = list(diffpage.sections(comparison))
    for title, head, rows in sections:
        short = [[_cut(cell) for cell in row] for row in rows]
        blocks.append(f"{title}\n{words.aligned([head, *short])}" if rows else f"{title}: none")
    if any(len(cell) > WIDEST for _, _, rows in sections for row in rows for cell in row):
        blocks.append(f"Values of over {WIDEST} characters are cut; --json and --html show them whole.")
    if comparison["conditions"]:
        blocks.append(f"Conditions\n{words.aligned(diffpage.conditions(comparison))}")
    return "\n\n".join(blocks)


def _cut(cell: str) -> str:
    return cell if len(cell) <= WIDEST else cell[: WIDEST - 1] + "…"
