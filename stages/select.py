"""Stage `select`: turn the judged answers of a pool into training rows, by default the best answer per prompt."""

from dataclasses import asdict
from pathlib import Path

import click

from reset import params, tracking
from reset.choosing import select
from reset.choosing.candidates import bars_of
from reset.choosing.combining import rule_of

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
    metrics = Path(f"metrics/select/{name}.json")
    rule, declared = rule_of(p.select.model_dump(), row.model_dump()), p.model_dump()["objectives"]
    bars = bars_of(row.model_dump())
    settings = {**p.select.model_dump(), **row.model_dump(), "combine": rule.combine, "objectives": declared}
    with tracking.run("select", name, settings, metrics=metrics, enabled=p.tracking.enabled):
        account, figures = select.keep_best(
            answers,
            [verdicts / f"{judge}.parquet" for judge in p.judges],
            prompts,
            into,
            objectives=params.objectives_of(p),
            seed=p.seed,
            template=p.template,
            stand_ins=params.stand_ins(p),
            stand_ins_choose=p.select.stand_ins,
            counted_below=p.select.counted_below,
            bars=bars,
            rule=rule,
            **row.model_dump(exclude={"pool", "prompts", "combine", "length_penalty", *asdict(bars)}),
        )
        account.write(metrics, scale=p.scale, **figures)
    for task, of_task in figures["judges"].items():
        for warning in of_task["warnings"]:
            click.echo(f"select {name}: {task}: {warning}")
    least_bad = sum(of_dataset["least_bad"] for of_dataset in figures["datasets"].values())
    let_in = "".join(f", {why}: {count}" for why, count in figures.get("let_in", {}).items())
    zeros = "".join(f", of {one} 0: {count}" for one, count in select.zeros(figures).items())
    click.echo(
        f"select {name}: {account}; winners that no judge rated above the lowest: {least_bad}{zeros}{let_in}"
        f"{''.join(select.remarks(figures))}"
    )


if __name__ == "__main__":
    main()
