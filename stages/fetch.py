"""Stage `fetch`: download or copy a data set's raw records, at a pinned revision."""

from pathlib import Path

import click

from reset import params, tracking
from reset.examples import fetch
from reset.files import tables
from reset.sources.construction import construct, elsewhere, row_of

FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("dataset")
@click.argument("into", type=FOLDER)
def main(dataset: str, into: Path) -> None:
    """Write the raw records of DATASET (params.yaml: datasets) to the folder INTO."""
    p = params.load()
    row = row_of(p.datasets, dataset)
    metrics = Path(f"metrics/fetch/{dataset}.json")
    with tracking.run("fetch", dataset, row.model_dump(), metrics=metrics, enabled=p.tracking.enabled):
        source = construct(row.source, row.options, key=f"params.yaml: datasets.{dataset}")
        path, where = Path(row.path) if row.path else None, elsewhere(row.hub.model_dump() if row.hub else None)
        facts = fetch.fetch(
            source, path=path, revision=row.revision, into=into, max_broken=p.prepare.max_broken, where=where
        )
        tables.write_json(metrics, {"scale": p.scale, **facts})
    counts = ", ".join(f"{count} {split}" for split, count in facts["records"].items())
    aside = "".join(f"; set aside: {count} {reason}" for reason, count in facts["set_aside"].items())
    left = f"; not read: {', '.join(facts['not_read'])}" if "not_read" in facts else ""
    click.echo(f"fetch: {dataset}: {counts} from {facts['origin']}{aside}{left}")


if __name__ == "__main__":
    main()
