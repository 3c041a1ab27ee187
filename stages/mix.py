"""Stage `mix`: mix examples of several data sets into training rows and dev rows."""

from pathlib import Path

import click

from reset import params, tracking
from reset.examples import mix, seeded_order
from reset.files import tables

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("name")
@click.argument("examples", type=PATH)
@click.argument("screened", type=PATH)
@click.argument("into", type=PATH)
@click.argument("dev", type=PATH)
def main(name: str, examples: Path, screened: Path, into: Path, dev: Path) -> None:
    """Make mixture NAME (params.yaml: mixtures) from EXAMPLES without SCREENED rows; write it to INTO and DEV."""
    p = params.load()
    row = params.row(p.mixtures, name, "mixtures")
    metrics = Path(f"metrics/mix/{name}.json")
    with tracking.run("mix", name, row.model_dump(), metrics=metrics, enabled=p.tracking.enabled):
        common = {
            "parts": row.parts,
            "template": p.template,
            "seed": p.data_seed,
            "left_out": seeded_order.left_out(screened),
        }
        common["drawn"] = p.mix.references == "drawn"
        account, train = mix.mix(
            examples, into, split="train", take=row.take, rows=row.rows, upsample=p.mix.upsample, **common
        )
        _, held_out = mix.mix(examples, dev, split="dev", take={}, rows=row.dev_rows, upsample=False, **common)
        account.write(metrics, scale=p.scale, train=train, dev=held_out)
        tables.write_csv(metrics.with_suffix(".csv"), train)
    sizes = ", ".join(f"{row['dataset']} {row['share']:.1%}" for row in train)
    click.echo(f"mix {name}: {account}; {sizes}")


if __name__ == "__main__":
    main()
