"""Stage `draw`: choose the examples that pools answer."""

from pathlib import Path

import click

from reset import drawing, params, tracking

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("name")
@click.argument("examples", type=PATH)
@click.argument("into", type=PATH)
def main(name: str, examples: Path, into: Path) -> None:
    """Draw the prompt set NAME of params.yaml from the folders under EXAMPLES into INTO."""
    p = params.load()
    row = params.row(p.prompts, name, "prompts")
    metrics = Path(f"metrics/draw/{name}.json")
    with tracking.run("draw", name, row.model_dump(), metrics=metrics, enabled=p.tracking.enabled):
        account, drawn = drawing.draw(examples, into, split=row.split, skip=row.skip, rows=row.rows, seed=p.seed)
        account.write(metrics, asked=row.rows, drawn=drawn)
    click.echo(f"draw {name}: {account}")


if __name__ == "__main__":
    main()
