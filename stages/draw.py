"""Stage `draw`: draw the prompts that pools answer."""

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
    """Draw the prompts NAME (params.yaml: prompts) from EXAMPLES, without the SCREENED rows; write them to INTO."""
    p = params.load()
    row = params.row(p.prompts, name, "prompts")
    metrics = Path(f"metrics/draw/{name}.json")
    with tracking.run("draw", name, row.model_dump(), metrics=metrics, enabled=p.tracking.enabled):
        settings = row.model_dump()
        left_out = seeded_order.left_out(screened)
        account, drawn = draw.draw(examples, into, **settings, seed=p.data_seed, left_out=left_out)
        account.write(metrics, scale=p.scale, asked=row.rows, drawn=drawn)
    click.echo(f"draw {name}: {account}")


if __name__ == "__main__":
    main()
