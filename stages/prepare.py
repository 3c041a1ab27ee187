"""Stage `prepare`: turn a data set's raw records into examples."""

from pathlib import Path

import click

from reset import params, tracking
from reset.examples import prepare
from reset.files import schemas, tables
from reset.sources.construction import construct, row_of

FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("dataset")
@click.argument("raw", type=FOLDER)
@click.argument("into", type=FOLDER)
def main(dataset: str, raw: Path, into: Path) -> None:
    """Turn the raw records of DATASET in the folder RAW into {train,dev,test}.parquet in the folder INTO."""
    p = params.load()
    row = row_of(p.datasets, dataset)
    key, metrics = f"params.yaml: datasets.{dataset}", Path(f"metrics/prepare/{dataset}.json")
    with tracking.run("prepare", dataset, row.model_dump(), metrics=metrics, enabled=p.tracking.enabled):
        source = construct(row.source, row.options, key=key, max_passages=p.prepare.max_passages)
        splits_by = row.model_dump(include={"shares", "dev_from_train"})
        limits = p.prepare.model_dump(exclude={"max_passages"})
        account = prepare.prepare(source, raw, into, dataset=dataset, **splits_by, **limits)
        splits = {split: tables.count(into / f"{split}.parquet", schemas.EXAMPLES) for split in schemas.SPLITS}
        account.write(metrics, scale=p.scale, splits=splits)
    click.echo(f"prepare: {dataset}: {account}")


if __name__ == "__main__":
    main()
