"""Stage `draw`: choose the examples that pools answer."""

from pathlib import Path

import click

from reset import params, tracking
from reset.examples import draw, seeded_order

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("name")
@click.argument("examples", type=PATH)
@click.argument("screened", type=PATH)
@click.argument("into", type=PATH)
def main(name: str, examples: Path, screened: Path, into: Path) -> None:
    """Draw the prompt set NAME of params.yaml from the folders under EXAMPLES, without the SCREENED rows, into INTO."""
    p = params.load()
    row = params.row(p.prompts, name, "prompts")
    metrics = Path(f"metrics/draw/{name}.json")
    with tracking.run("draw", name, row.model_dump(), metrics=metrics, enabled=p.tracking.enabled):
        chosen = row.model_dump()
        left_out = seeded_order.left_out(screened)
        account, drawn = draw.draw(examples, into, **chosen, seed=p.seed, left_out=left_out)
        account.write(metrics, asked=row.rows, drawn=drawn)
    click.echo(f"draw {name}: {account}")


if __name__ == "__main__":
    main()
