"""Stage `judge`: judge the answers of one pool with one judge."""

from pathlib import Path

import click

from reset import judges, params, tracking
from reset.files import tables
from reset.judging import build
from reset.judging.judge import judge as judge_pool
from reset.judging.judge import preflight
from reset.runs import progress

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("judge")
@click.argument("pool")
@click.argument("identity", type=FILE)
@click.argument("answers", type=FILE)
@click.argument("asked", type=FILE)
@click.argument("into", type=FILE)
def main(judge: str, pool: str, identity: Path, answers: Path, asked: Path, into: Path) -> None:
    """Judge the ANSWERS of POOL to the prompts ASKED with JUDGE; write the verdicts to INTO.

    IDENTITY is the output of stage `identify` for the judge: its row of params.yaml, hashes, and of a judge that costs
    money what is read of its verdicts.
    """
    p = params.load()
    row, name = tables.read_json(identity), f"{pool}/{judge}"
    metrics = Path(f"metrics/judge/{name}.json")
    build.require_unchanged(judge, row)
    by, spread = build.load("judges", judge, row, p.cluster.model_dump())
    progress.lines_to_stderr()
    read = judges.Read(**row["read"][pool]) if pool in row.get("read", {}) else None
    if isinstance(by, judges.Paid):
        click.echo(f"judge {name}: {preflight(answers, asked, by, pool=pool, read=read)}")
    kept = build.store(tracking.root(), by, judge, row, p.store.max_gb)
    with kept, tracking.run("judge", name, row, metrics=metrics, enabled=p.tracking.enabled):
        account, verdicts = judge_pool(
            answers,
            asked,
            by,
            into,
            name=judge,
            chunks_folder=Path(".chunks/judge") / name,
            chunk_answers=p.judge.chunk_answers,
            max_null=p.judge.max_null,
            fingerprint_parts={"judge": judge, **row},
            spread=spread,
            read=read,
            store=kept,
        )
        extra = {} if read is None else {"sweeps_read": read.sweeps, "gold_read": read.gold}
        account.write(metrics, scale=p.scale, verdicts=verdicts, **extra)
    click.echo(f"judge {name}: {account}; {kept}")


if __name__ == "__main__":
    main()
