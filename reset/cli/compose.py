"""`reset-lm compose`: write params.yaml from conf/."""

from pathlib import Path

import click


@click.command()
@click.argument("overrides", nargs=-1)
def compose(overrides: tuple[str, ...]) -> None:
    """Write params.yaml from the files in conf/, with OVERRIDES such as scale=smoke (Hydra syntax).

    \b
    Example:
      reset-lm compose scale=smoke seed=1
    """  # noqa: D301  (click reads the \b)
    from dvc.utils.hydra import compose_and_dump  # DVC takes a second to import

    compose_and_dump(Path("params.yaml").resolve(), str(Path("conf").resolve()), None, "config", None, list(overrides))
    click.echo("params.yaml written")


if __name__ == "__main__":
    compose()
