"""Stage `ability`: measure one system on tasks of lm-evaluation-harness, which no choice reads."""

from pathlib import Path

import click

from reset import params, tracking
from reset.ability import lm_eval_tasks
from reset.files import tables

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("system")
@click.argument("model", type=PATH)
@click.argument("metrics", type=PATH)
def main(system: str, model: Path, metrics: Path) -> None:
    """Measure the MODEL of SYSTEM on `ability.tasks`; write the figures to METRICS."""
    p = params.load()
    lm_eval_tasks.require()
    settings = p.ability.model_dump(exclude={"systems", "needs"})
    with tracking.run("ability", system, settings, metrics=metrics, enabled=p.tracking.enabled):
        found = lm_eval_tasks.measure(model, lm_eval_tasks.Settings(own_tasks=Path(p.ability.needs), **settings))
        tables.write_json(metrics, {"scale": p.scale, **found})
    click.echo(f"ability {system}: {len(found['tasks'])} tasks by lm_eval {found['lm_eval']}")


if __name__ == "__main__":
    main()
