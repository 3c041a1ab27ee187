"""Stage `identify`: state what decides a judge's verdicts, so that a pool is judged again only when that changes."""

from pathlib import Path

import click

from reset import params
from reset.files import tables
from reset.judging import build


@click.command()
@click.argument("judge")
@click.argument("into", type=click.Path(dir_okay=False, path_type=Path))
def main(judge: str, into: Path) -> None:
    """Write row JUDGE of `judges` in params.yaml to INTO, with the hashes of its code, its model and its data."""
    row = params.row(params.load().judges, judge, "judges")
    tables.write_json(into, build.identity(row.model_dump()))
    click.echo(f"identify {judge}: {row.kind}")


if __name__ == "__main__":
    main()
