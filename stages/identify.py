"""Stage `identify`: hash what a judge's verdicts depend on, so that a pool is judged again only if that changes."""

from dataclasses import asdict
from pathlib import Path

import click

from reset import params
from reset.files import tables
from reset.judging import build
from reset.params import judged


@click.command()
@click.argument("judge")
@click.argument("into", type=click.Path(dir_okay=False, path_type=Path))
def main(judge: str, into: Path) -> None:
    """Write the row JUDGE (params.yaml: judges) to INTO, with hashes of its code, model and data.

    Of a judge that asks a server also which of its verdicts something reads, because no others are paid for.
    """
    p = params.load()
    row = params.row(p.judges, judge, "judges")
    identity = build.identity(row.model_dump())
    if judged.asks_a_server(row):
        identity["read"] = {pool: asdict(of) for pool, of in judged.read(p, judge).items()}
    tables.write_json(into, identity)
    click.echo(f"identify {judge}: {row.kind}")


if __name__ == "__main__":
    main()
