"""Stage `identify`: hash what a judge's verdicts depend on, so that a pool is judged again only if that changes."""

from pathlib import Path

import click

from reset import params
from reset.files import tables
from reset.judging import build


@click.command()
@click.argument("judge")
@click.argument("into", type=click.Path(dir_okay=False, path_type=Path))
def main(judge: str, into: Path) -> None:
    """Write the row JUDGE (params.yaml: judges) to INTO, with hashes of its code, model and data."""
    row = params.row(params.load().judges, judge, "judges")
    tables.write_json(into, build.identity(row.model_dump()))
    click.echo(f"identify {judge}: {row.kind}")


if __name__ == "__main__":
    main()
