"""`reset-lm tidy`: remove what rows that were renamed or removed have left behind."""

from pathlib import Path

import click

from reset.planning import orphans

SHOWN = 10


@click.command()
@click.option("--dry-run", is_flag=True, help="List it and remove nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def tidy(dry_run: bool, yes: bool) -> None:
    """Remove files in data/, models/ and metrics/, and entries of dvc.lock, that belong to no stage any more.

    They stay behind when a row of params.yaml is renamed or removed. Contents stay in DVC's cache and in Git's history.

    \b
    Example:
      reset-lm tidy --dry-run
    """  # noqa: D301  (click reads the \b)
    found = orphans.load(Path())
    for name in [*found.entries, *map(str, found.files)][:SHOWN]:
        click.echo(f"  {name}")
    more = len(found.entries) + len(found.files) - SHOWN
    click.echo((f"  and {more} more\n" if more > 0 else "") + str(found))
    if found and not dry_run and (yes or click.confirm("Remove them?")):
        orphans.remove(found, Path())
        click.echo("removed")
