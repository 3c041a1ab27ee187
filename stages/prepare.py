"""Stage `prepare`: turn a data set's raw records into examples."""

from pathlib import Path

import click

from reset import params, preparation, tables
from reset.sources.construction import construct, row_of

FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("dataset")
@click.argument("raw", type=FOLDER)
@click.argument("into", type=FOLDER)
def main(dataset: str, raw: Path, into: Path) -> None:
    """Turn the records of DATASET in the folder RAW into {train,dev,test}.parquet in the folder INTO."""
    settings = params.load()
    row, options = row_of(settings.datasets, dataset), settings.prepare
    key = f"params.yaml: datasets.{dataset}"
    source = construct(row.source, row.options, key=key, max_passages=options.max_passages)
    account = preparation.prepare(
        source, raw, into, dataset=dataset, shares=row.model_dump()["shares"], max_set_aside=options.max_set_aside
    )
    splits = {split: tables.count(into / f"{split}.parquet", tables.EXAMPLES) for split in tables.SPLITS}
    account.write(Path(f"metrics/prepare/{dataset}.json"), splits=splits)
    click.echo(f"prepare: {dataset}: {account}")


if __name__ == "__main__":
    main()
