"""Stage `select`: turn the judged answers of a pool into training rows, by default the best answer per prompt."""

from pathlib import Path

import click

from reset import params, tracking
from reset.choosing import select

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("name")
@click.argument("answers", type=FILE)
@click.argument("prompts", type=FILE)
@click.argument("verdicts", type=click.Path(file_okay=False, path_type=Path))
@click.argument("into", type=FILE)
def main(name: str, answers: Path, prompts: Path, verdicts: Path, into: Path) -> None:
    """Choose among ANSWERS to PROMPTS as NAME (params.yaml: curated) says; write the curated rows to INTO.

    VERDICTS is the folder of the pool's verdicts, one table per row of `judges`.
    """
    p = params.load()
    row = params.row(p.curated, name, "curated")
    weights = p.select.weights.model_dump()
    metrics = Path(f"metrics/select/{name}.json")
    settings = {**row.model_dump(), "weights": weights}
    with tracking.run("select", name, settings, metrics=metrics, enabled=p.tracking.enabled):
        account, figures = select.keep_best(
            answers,
            [verdicts / f"{judge}.parquet" for judge in p.judges],
            prompts,
            into,
            scores=p.model_dump()["scores"],
            weights=weights,
            seed=p.seed,
            template=p.template,
            **row.model_dump(exclude={"pool", "prompts"}),
        )
        account.write(metrics, **figures)
    for task, of_task in figures["judges"].items():
        for warning in of_task["warnings"]:
            click.echo(f"select {name}: {task}: {warning}")
    click.echo(f"select {name}: {account}")


if __name__ == "__main__":
    main()
