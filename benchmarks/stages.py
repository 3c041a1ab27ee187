"""What each stage of a whole run took, in seconds: `reset-lm status` reads it before stages have run on a machine.

`--run DIR` is the folder of a run whose stages `dvc repro` has run; of each stage the last time counts.
"""

from pathlib import Path

import click

from benchmarks.result import publish
from reset import params
from reset.files import stage_times
from reset.runs import machine


@click.command()
@click.option("--run", default=".", type=click.Path(file_okay=False, path_type=Path), help="Folder of the run.")
def main(run: Path) -> None:
    """Write benchmarks/results/stages.json from the log of the runs of a folder."""
    scale = params.load(run / params.FILE).scale
    seconds = {name: round(value, 1) for name, value in stage_times.seconds(run, scale).items()}
    if not seconds:
        raise click.ClickException(f"{run / stage_times.LOG} has no stage of scale {scale}")
    publish("stages", [], libraries=["torch"], quick=False, on=machine.described(), scale=scale, seconds=seconds)


if __name__ == "__main__":
    main()
