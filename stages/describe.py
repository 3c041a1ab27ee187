"""Stage `describe`: counts and lengths of the examples (our Table 1)."""

from pathlib import Path

import click

from reset import params, tracking
from reset.examples import describe
from reset.files import tables

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("examples", type=PATH)
@click.argument("model", type=PATH)
def main(examples: Path, model: Path) -> None:
    """Count the examples under EXAMPLES and measure their responses in tokens of MODEL's tokenizer."""
    p = params.load()
    metrics = Path("metrics/describe/examples.json")
    with tracking.run("describe", "examples", p.describe.model_dump(), metrics=metrics, enabled=p.tracking.enabled):
        figures = describe.describe(examples, model)
        tables.write_json(metrics, {"scale": p.scale, "datasets": figures})
    click.echo(f"describe: {len(figures)} data sets in the tokens of {model}")


if __name__ == "__main__":
    main()
