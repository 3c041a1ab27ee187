"""Stage `watch`: a judge that takes no part in any choice looks at all pools, and at what was chosen."""

from pathlib import Path
from typing import Any

import click

from reset import judge_rows, judges, judging, params, progress, selection, tracking, watching
from reset.accounts import Account
from reset.params.answers import Watcher

VERDICTS = Path("data/verdicts")


@click.command()
@click.argument("watcher")
@click.argument("into", type=click.Path(file_okay=False, path_type=Path))
def main(watcher: str, into: Path) -> None:
    """Judge every pool with row WATCHER of `watchers`; write its verdicts to INTO, a table per pool."""
    p = params.load()
    row = params.row(p.watchers, watcher, "watchers")
    settings = judge_rows.settings(row.model_dump())
    metrics = Path(f"metrics/watch/{watcher}.json")
    progress.lines_to_stderr()
    with tracking.run("watch", watcher, settings, metrics=metrics, enabled=p.tracking.enabled):
        account, pools = judge_all(p, watcher, row, into, settings)
        choices = {name: chosen(p, name, into) for name in p.curated}
        account.write(metrics, pools=pools, choices=choices)
    for name, tasks in choices.items():
        for task, said in tasks.items():
            for warning in said["warnings"]:
                click.echo(f"watch {watcher}: {name}: {task}: {warning}")
    click.echo(f"watch {watcher}: {account}")


def judge_all(
    p: params.Params, watcher: str, row: Watcher, into: Path, settings: dict[str, Any]
) -> tuple[Account, dict[str, Any]]:
    """Write the watcher's verdicts on each pool; return the account of all and the figures of each."""
    by, spread = judge_rows.load("watchers", watcher, row.model_dump(), p.cluster.model_dump())
    total, found = Account(), {}
    for name, pool in p.pools.items():
        answers, prompts = Path(f"data/answers/{name}.parquet"), Path(f"data/prompts/{pool.prompts}.parquet")
        if isinstance(by, judges.Paid):
            click.echo(f"watch {watcher}/{name}: {judging.preflight(answers, prompts, by, pool=name)}")
        account, found[name] = judging.judge(
            answers,
            prompts,
            watching.Watcher(watcher, by, row.verdicts),
            into / f"{name}.parquet",
            name=watcher,
            chunks_folder=Path(".chunks/watch") / watcher / name,
            chunk_answers=p.judge.chunk_answers,
            max_null=p.judge.max_null,
            fingerprint_parts={"watcher": watcher, **settings},
            spread=spread,
        )
        total.add(account)
    return total, found


def chosen(p: params.Params, name: str, watched: Path) -> dict[str, Any]:
    """What the watcher says of the curated set `name`."""
    row = p.curated[name]
    return watching.choice(
        Path(f"data/answers/{row.pool}.parquet"),
        Path(f"data/curated/{name}.parquet"),
        [VERDICTS / judge / f"{row.pool}.parquet" for judge in p.judges],
        watched / f"{row.pool}.parquet",
        axes=selection.names(p.model_dump()["scores"], row.rating),
        sweeps=row.sweeps,
    )


if __name__ == "__main__":
    main()
