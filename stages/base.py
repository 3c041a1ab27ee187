"""Stage `base`: make one starting model, from the hub or from scratch."""

import shutil
from pathlib import Path

import click

from reset import params, registry, tracking
from reset.files import code, hashing, tables
from reset.files.atomic import whole_folder


@click.command()
@click.argument("name")
@click.argument("into", type=click.Path(path_type=Path))
def main(name: str, into: Path) -> None:
    """Make the starting model NAME (params.yaml: base) in the folder INTO."""
    p = params.load()
    row = params.row(p.base, name, "base")
    metrics = Path(f"metrics/base/{name}.json")
    with tracking.run("base", name, row.model_dump(), metrics=metrics, enabled=p.tracking.enabled):
        needs = Path(row.needs)
        modules = "stages.base", registry.module(registry.BASES, row.kind, "base")
        mark = code.mark(*modules, row=row.model_dump(), seed=p.seed, needs=hashing.file_hash(needs))
        options = {"needs": needs, "seed": p.seed, **row.options}
        model = registry.build(registry.BASES, row.kind, f"base.{name}.options", **options)
        work = Path(".chunks/base") / name / mark
        with whole_folder(into) as folder:
            figures = model.build(folder, work)
        shutil.rmtree(work, ignore_errors=True)
        tables.write_json(metrics, {"scale": p.scale, **figures})
    told = {
        key: value if isinstance(value, str) else f"{value:.4g}" for key, value in figures.items() if value is not None
    }
    click.echo(f"base {name}: " + ", ".join(f"{key} {value}" for key, value in told.items()))


if __name__ == "__main__":
    main()
