"""`reset-lm tidy`: remove what renamed or removed rows have left behind, and what the store has not used for long."""

from collections.abc import Sequence
from pathlib import Path

import click

from reset.cli.numbers import Finite
from reset.planning import orphans
from reset.runs import store

SHOWN = 10


@click.command()
@click.option("--dry-run", is_flag=True, help="List it and remove nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--store",
    "days",
    type=Finite(min=0),
    help="Also remove what the store has not used for so many days.",
)
def tidy(dry_run: bool, yes: bool, days: float | None) -> None:
    """Remove files in data/, models/ and metrics/, and entries of dvc.lock, that belong to no stage any more.

    They stay behind when a row of params.yaml is renamed or removed. Contents stay in DVC's cache and in Git's history.
    Also says how large the store of answers and verdicts is; what is removed there is computed again if it is needed.

    \b
    Example:
      reset-lm tidy --dry-run
      reset-lm tidy --store 30
    """  # noqa: D301  (click reads the \b)
    found = orphans.load(Path())
    for name in [*found.entries, *map(str, found.files)][:SHOWN]:
        click.echo(f"  {name}")
    more = len(found.entries) + len(found.files) - SHOWN
    click.echo((f"  and {more} more\n" if more > 0 else "") + str(found))
    click.echo(f"store of answers and verdicts: {_size(store.files(Path()))}")
    unused = [] if days is None else store.unused(Path(), days)
    if days is not None:
        click.echo(f"  not used for {days:g} days: {_size(unused)}")
    if (found or unused) and not dry_run and (yes or click.confirm("Remove them?")):
        orphans.remove(found, Path())
        store.remove(file.path for file in unused)
        click.echo("removed")


def _size(files: Sequence[store.File]) -> str:
    return f"{sum(file.size for file in files) / 1e6:,.1f} MB in {len(files)} files"
