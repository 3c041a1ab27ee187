"""Stage `watch`: judge all pools with a judge that does not select, and compare it with the selecting judges."""

from pathlib import Path
from typing import Any

import click

from reset import judges, objectives, params, tracking
from reset.choosing import watch
from reset.files.row_accounts import Account
from reset.judging import build
from reset.judging.judge import judge as judge_pool
from reset.judging.judge import preflight
from reset.params.answers import Watcher
from reset.params.document import Params
from reset.runs import progress

VERDICTS = Path("data/verdicts")


@click.command()
@click.argument("watcher")
@click.argument("into", type=click.Path(file_okay=False, path_type=Path))
def main(watcher: str, into: Path) -> None:
    """Judge every pool with WATCHER (params.yaml: watchers); write its verdicts to INTO, one table per pool."""
    p = params.load()
    row = params.row(p.watchers, watcher, "watchers")
    settings = build.identity(row.model_dump())
    metrics = Path(f"metrics/watch/{watcher}.json")
    progress.lines_to_stderr()
    with tracking.run("watch", watcher, settings, metrics=metrics, enabled=p.tracking.enabled):
        account, pools = judge_all(p, watcher, row, into, settings)
        choices = {name: chosen(p, name, into) for name in p.curated}
        account.write(metrics, scale=p.scale, pools=pools, choices=choices)
    for name, tasks in choices.items():
        for task, figures in tasks.items():
            for warning in figures["warnings"]:
                click.echo(f"watch {watcher}: {name}: {task}: {warning}")
    click.echo(f"watch {watcher}: {account}")


def judge_all(
    p: Params, watcher: str, row: Watcher, into: Path, settings: dict[str, Any]
) -> tuple[Account, dict[str, Any]]:
    """Write the watcher's verdicts on each pool; return the account of all pools and the figures of each."""
    by, spread = build.load("watchers", watcher, row.model_dump(), p.cluster.model_dump())
    total, by_pool = Account(), {}
    for name, pool in p.pools.items():
        answers, prompts = Path(f"data/answers/{name}.parquet"), Path(f"data/prompts/{pool.prompts}.parquet")
        if isinstance(by, judges.Paid):
            click.echo(f"watch {watcher}/{name}: {preflight(answers, prompts, by, pool=name)}")
        with build.store(tracking.root(), by, watcher, settings, p.store.max_gb) as kept:
            account, by_pool[name] = judge_pool(
                answers,
                prompts,
                watch.Watcher(watcher, by, row.verdicts),
                into / f"{name}.parquet",
                name=watcher,
                chunks_folder=Path(".chunks/watch") / watcher / name,
                chunk_answers=p.judge.chunk_answers,
                max_null=p.judge.max_null,
                fingerprint_parts={"watcher": watcher, **settings},
                spread=spread,
                store=kept,
            )
        total.add(account)
    return total, by_pool


def chosen(p: Params, name: str, watched: Path) -> dict[str, Any]:
    """Return the watcher's figures on the curated set `name`."""
    row, declared = p.curated[name], params.objectives_of(p)
    return watch.choice(
        Path(f"data/answers/{row.pool}.parquet"),
        Path(f"data/curated/{name}.parquet"),
        [VERDICTS / row.pool / f"{judge}.parquet" for judge in p.judges],
        watched / f"{row.pool}.parquet",
        objectives=declared,
        speakers=objectives.by_task(declared, row.rating, params.not_choosing(p)),
        sweeps=row.sweeps,
        gold=row.gold,
        stand_ins=params.stand_ins(p),
    )


if __name__ == "__main__":
    main()
