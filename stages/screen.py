"""Stage `screen`: find training rows that repeat a test example."""

from pathlib import Path

import click

from reset import params, tracking
from reset.examples import screen

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("examples", type=PATH)
@click.argument("into", type=PATH)
def main(examples: Path, into: Path) -> None:
    """Compare the training and dev rows under EXAMPLES with the test rows; list those to leave out in INTO."""
    p = params.load()
    settings, metrics = p.screen.model_dump(), Path("metrics/screen/examples.json")
    with tracking.run("screen", "examples", settings, metrics=metrics, enabled=p.tracking.enabled):
        account, near = screen.screen(examples, into, **settings)
        account.write(metrics, scale=p.scale, near_duplicates=near)
    click.echo(f"screen: {account}; near-duplicates: {sum(near.values())}")


if __name__ == "__main__":
    main()
