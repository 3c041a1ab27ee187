"""Stage `evaluate`: score one system on its test answers."""

from pathlib import Path

import click

from reset import params, tracking
from reset.scoring import evaluate

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("system")
@click.argument("answers", type=FILE)
@click.argument("prompts", type=FILE)
@click.argument("verdicts", type=click.Path(file_okay=False, path_type=Path))
@click.argument("scores", type=FILE)
@click.argument("metrics", type=FILE)
def main(system: str, answers: Path, prompts: Path, verdicts: Path, scores: Path, metrics: Path) -> None:
    """Score SYSTEM on its ANSWERS to PROMPTS; write scores per prompt to SCORES and averages to METRICS.

    VERDICTS is the folder of the pool's verdicts, one table per row of `judges`.
    """
    p = params.load()
    with tracking.run("evaluate", system, p.evaluate.model_dump(), metrics=metrics, enabled=p.tracking.enabled):
        account, summary = evaluate.evaluate(
            answers,
            [verdicts / f"{judge}.parquet" for judge in p.judges],
            prompts,
            scores,
            objectives=params.objectives_of(p),
            groups=p.evaluate.groups,
            bootstrap=p.evaluate.bootstrap,
            seed=p.seed,
            stand_ins=params.stand_ins(p),
        )
        account.write(metrics, scale=p.scale, **summary)
    resting = [name for name, figures in summary["macro"].items() if figures.get("stand_in")]
    click.echo(f"evaluate {system}: {account}" + (f"; stand-ins say: {', '.join(resting)}" if resting else ""))


if __name__ == "__main__":
    main()
