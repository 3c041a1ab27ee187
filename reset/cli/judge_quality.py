"""`reset-lm judge-quality`: compare judges with human labels."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from reset import params, registry
from reset.evidence.judge_quality import measure, read
from reset.judges import Judge, Verdict

MODELS = Path("models")


@click.command()
@click.argument("records", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--judge", "names", multiple=True, help="Row of `judges` in params.yaml; may be repeated.  [default: lexical]"
)
@click.option("--model", help="Model for the judges that use one, instead of theirs: a folder or hub id.")
@click.option("--task", default="abstractive_qa", show_default=True, help="Task that the responses are judged as.")
@click.option("--threshold", default=0.5, show_default=True, help="A score of at least this means faithful.")
@click.option("--resamples", default=1000, show_default=True, help="Bootstrap resamples per interval.")
@click.option("--seed", default=0, show_default=True, help="Seed of the bootstrap.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def judge_quality(
    records: Path,
    names: tuple[str, ...],
    model: str | None,
    task: str,
    threshold: float,
    resamples: int,
    seed: int,
    as_json: bool,
) -> None:
    """Judge the labelled responses of RECORDS; print AUROC, balanced accuracy and calibration with 95 % intervals.

    RECORDS are JSON lines in the format of RefChecker's human annotations, joined with their context: `instruction`,
    `context`, `response`, `claims` with a `human_label` each. A response is faithful if all its claims are entailed.

    \b
    Example:
      reset-lm judge-quality refchecker_dolly.jsonl --judge lexical
      reset-lm judge-quality refchecker_dolly.jsonl --judge summac --model models/base/micro_nli --json
    """  # noqa: D301  (click reads the \b)
    labelled, aside = read(records, task)
    table = params.load().judges
    by_verdict: dict[str, Any] = {}
    for name in names or ("lexical",):
        row = params.row(table, name, "judges")
        options = {"name": name, **row.options}
        if row.model is not None:
            options["model"] = model or str(MODELS / row.model)
        by: Judge = registry.build(registry.JUDGES, row.kind, f"judges.{name}.options", **options)
        verdicts = list(by.verdicts([response.answer for response in labelled]))
        by_verdict |= {
            verdict_name: measure(scores, labelled, threshold=threshold, resamples=resamples, seed=seed)
            for verdict_name, scores in by_name(verdicts, len(labelled)).items()
        }
    figures = {"records": len(labelled), "set_aside": aside, "threshold": threshold, "verdicts": by_verdict}
    click.echo(json.dumps(figures, indent=2) if as_json else text(figures))


def by_name(verdicts: list[Verdict], rows: int) -> dict[str, list[float | None]]:
    """Return the scores per verdict name in the order of the rows; names with only nulls are left out."""
    scores_of: dict[str, list[float | None]] = {}
    for verdict in verdicts:
        scores_of.setdefault(verdict.name, [None] * rows)[int(verdict.answer_id)] = verdict.score
    return {name: scores for name, scores in scores_of.items() if any(score is not None for score in scores)}


def text(figures: Mapping[str, Any]) -> str:
    """Return the figures as a table for the terminal."""
    measures = ("auroc", "balanced_accuracy", "calibration_error", "brier")
    lines = [f"{figures['records']} labelled responses, set aside: {figures['set_aside']}"]
    lines.append(f"{'verdict':<18} {'n':>4} {'faithful':>8}" + "".join(f"  {name:<24}" for name in measures))
    for name, row in figures["verdicts"].items():
        cells = "".join(f"  {_cell(row[measure]):<24}" for measure in measures)
        lines.append(f"{name:<18} {row['n']:>4} {row['faithful']:>8}{cells}".rstrip())
    return "\n".join(lines)


def _cell(figure: Mapping[str, float | None]) -> str:
    value, low, high = (f"{figure[key]:.3f}" if figure[key] is not None else "-" for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"
