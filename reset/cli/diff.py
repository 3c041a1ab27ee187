"""`reset-lm diff`: compare two runs."""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from reset.evidence import diff as differing
from reset.evidence.revisions import Run
from reset.report import diffpage, words


@click.command()
@click.argument("a")
@click.argument("b", default=".")
@click.option("--rounds", nargs=2, help="Compare system X of A with system Y of B instead, and the data behind them.")
@click.option("--resamples", default=1000, show_default=True, help="Bootstrap resamples per interval.")
@click.option("--seed", default=0, show_default=True, help="Seed of the bootstrap.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Also write an HTML page to this file.")
def diff(
    a: str, b: str, rounds: tuple[str, str] | None, resamples: int, seed: int, as_json: bool, html: Path | None
) -> None:
    """Compare runs A and B: parameters, scores, rows of each table, winners, judges, decode settings.

    A run is a Git revision, a DVC experiment or a folder; B defaults to the workspace. Nothing is checked out: files
    come from DVC's cache or remote. Differences are B minus A, on the same test prompts.

    \b
    Example:
      reset-lm diff HEAD~1
      reset-lm diff main my-experiment --html diff.html
      reset-lm diff . --rounds mtl_reset mtl_reset_2
    """  # noqa: D301  (click reads the \b)
    with TemporaryDirectory() as scratch:
        sides = [Run(name, Path(scratch) / side) for side, name in (("a", a), ("b", b))]
        comparison = differing.compare(sides[0], sides[1], rounds=rounds, resamples=resamples, seed=seed)
    if html:
        diffpage.write(html, comparison)
    click.echo(json.dumps(comparison, indent=2, ensure_ascii=False) if as_json else text(comparison))


def text(comparison: Mapping[str, Any]) -> str:
    """Return the comparison as tables for the terminal, without scores per data set, ids and texts."""
    blocks = [f"{comparison['a']} (A) and {comparison['b']} (B); differences are B {words.MINUS} A"]
    if len(scales := dict.fromkeys(comparison["scales"])) > 1:
        blocks.append(f"A is of scale {' and B of scale '.join(map(str, scales))}: equal names are different things")
    for title, head, rows in diffpage.sections(comparison):
        blocks.append(f"{title}\n{words.aligned([head, *rows])}" if rows else f"{title}: none")
    return "\n\n".join(blocks)
