"""Stage `judge`: put one pool's answers before one judge."""

from pathlib import Path

import click

from reset import judges, params, tracking
from reset.judging import build
from reset.judging.judge import judge as judge_pool
from reset.judging.judge import preflight
from reset.runs import progress

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("judge")
@click.argument("answers", type=FILE)
@click.argument("prompts", type=FILE)
@click.argument("into", type=FILE)
def main(judge: str, answers: Path, prompts: Path, into: Path) -> None:
    """Judge ANSWERS to PROMPTS with row JUDGE of params.yaml; write the verdicts to INTO."""
    p = params.load()
    row = params.row(p.judges, judge, "judges")
    settings, name = build.settings(row.model_dump()), f"{judge}/{into.stem}"
    metrics = Path(f"metrics/judge/{name}.json")
    by, spread = build.load("judges", judge, row.model_dump(), p.cluster.model_dump())
    progress.lines_to_stderr()
    if isinstance(by, judges.Paid):
        click.echo(f"judge {name}: {preflight(answers, prompts, by, pool=into.stem)}")
    with tracking.run("judge", name, settings, metrics=metrics, enabled=p.tracking.enabled):
        account, verdicts = judge_pool(
            answers,
            prompts,
            by,
            into,
            name=judge,
            chunks_folder=Path(".chunks/judge") / name,
            chunk_answers=p.judge.chunk_answers,
            max_null=p.judge.max_null,
            fingerprint_parts={"judge": judge, **settings},
            spread=spread,
        )
        account.write(metrics, verdicts=verdicts)
    click.echo(f"judge {name}: {account}")


if __name__ == "__main__":
    main()
