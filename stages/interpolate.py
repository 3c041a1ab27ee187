"""Stage `interpolate`: a system that is the weighted mean of two others, without training."""

from pathlib import Path

import click

from reset import params, tracking
from reset.files import tables
from reset.files.atomic import whole_folder

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("system")
@click.argument("init", type=PATH)
@click.argument("other", type=PATH)
@click.argument("into", type=PATH)
def main(system: str, init: Path, other: Path, into: Path) -> None:
    """Write the mean of the models INIT and OTHER, weighted as SYSTEM (params.yaml: interpolated) says, to INTO."""
    from reset import interpolation  # torch is slow to import

    p = params.load()
    row = params.row(p.interpolated, system, "interpolated")
    metrics = Path(f"metrics/train/{system}.json")
    with tracking.run("interpolate", system, row.model_dump(), metrics=metrics, enabled=p.tracking.enabled):
        with whole_folder(into) as folder:
            counts = interpolation.interpolate(init, other, row.weight, folder)
        trained = {"rows_in": 0, "rows_out": 0, "set_aside": {}, "steps": 0, "tokens": 0, "trained_tokens": 0}
        tables.write_json(metrics, {"scale": p.scale, **trained, "interpolated": {**row.model_dump(), **counts}})
    click.echo(f"interpolate {system}: {1 - row.weight:g} {row.init} + {row.weight:g} {row.other}, {counts}")


if __name__ == "__main__":
    main()
