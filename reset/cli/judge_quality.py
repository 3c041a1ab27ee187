"""`reset-lm judge-quality`: compare judges with human labels."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from reset import params, registry
from reset.choosing.agreement import stand_in_label
from reset.errors import ResetError, nearest
from reset.evidence.judge_quality import measure
from reset.evidence.labelled_responses import PARTS, Labelled, read
from reset.judges import Judge, Verdict
from reset.params.document import Params

MODELS = Path("models")
TASKS = ("abstractive_qa", "summarization", "extractive_qa")


@click.command()
@click.argument("records", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--judge", "names", multiple=True, help="Row of `judges` in params.yaml; may be repeated.  [default: lexical]"
)
@click.option("--model", help="Model for the judges that use one, instead of theirs: a folder or hub id.")
@click.option("--task", default=TASKS[0], show_default=True, help=f"Judge the responses as: {', '.join(TASKS)}.")
@click.option("--column", "columns", multiple=True, metavar="PART=NAME", help=f"Column of a part: {', '.join(PARTS)}.")
@click.option("--faithful", multiple=True, metavar="LABEL", help="Label that means faithful; may be repeated.")
@click.option("--threshold", default=0.5, show_default=True, help="A score of at least this means faithful.")
@click.option("--resamples", default=1000, show_default=True, help="Bootstrap resamples per interval.")
@click.option("--seed", default=0, show_default=True, help="Seed of the bootstrap.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def judge_quality(
    records: Path,
    names: tuple[str, ...],
    model: str | None,
    task: str,
    columns: tuple[str, ...],
    faithful: tuple[str, ...],
    threshold: float,
    resamples: int,
    seed: int,
    as_json: bool,
) -> None:
    """Judge the labelled responses of RECORDS; print AUROC, balanced accuracy and calibration with 95 % intervals.

    RECORDS are RefChecker's human annotations joined with their context, QAGS' annotations, or any table with a column
    for the answer, its context and the label (--column names them), as JSON lines, JSON, CSV, TSV, Parquet or Arrow.

    \b
    Example:
      reset-lm judge-quality refchecker_dolly.jsonl --judge lexical
      reset-lm judge-quality qags_cnndm.jsonl --task summarization --judge summac
      reset-lm judge-quality mine.csv --column answer=reply --column label=ok --faithful good
      reset-lm judge-quality refchecker_dolly.jsonl --judge summac --model models/base/micro_nli --json
    """  # noqa: D301  (click reads the \b)
    if task not in TASKS:
        raise ResetError(f"Unknown task '{task}' (--task). {nearest(task, TASKS)}")
    if not 0 <= threshold <= 1:
        raise ResetError(f"--threshold is {threshold:g}, must be from 0 to 1, as scores are")
    if resamples < 1:
        raise ResetError(f"--resamples is {resamples}, must be at least 1")
    labelled, aside = read(records, task, _columns(columns), faithful)
    if not labelled:
        raise ResetError(f"{records}: no labelled response; set aside: {aside}")
    p = params.load()
    by_verdict: dict[str, Any] = {}
    unscored: dict[str, str] = {}
    for name in names or ("lexical",):
        scores, without = judged(p, name, model, task, labelled)
        unscored |= without
        for verdict, column in scores.items():
            figures = measure(column, labelled, threshold=threshold, resamples=resamples, seed=seed)
            by_verdict[verdict] = {**figures, "stand_in": name in p.stand_ins and model is None}
    shown = {"records": len(labelled), "set_aside": aside, "threshold": threshold, "verdicts": by_verdict}
    shown["unscored"] = unscored
    click.echo(json.dumps(shown, indent=2) if as_json else text(shown))


def judged(
    p: Params, name: str, model: str | None, task: str, labelled: Sequence[Labelled]
) -> tuple[dict[str, list[float | None]], dict[str, str]]:
    """Return the scores of judge `name` per verdict name, in the order of the rows; of names without one the reason."""
    row = params.row(p.judges, name, "judges")
    options = {"name": name, **row.options}
    if row.model is not None:
        options["model"] = _model(model) if model else str(MODELS / row.model)
    by: Judge = registry.build(registry.JUDGES, row.kind, f"judges.{name}.options", **options)
    if task not in by.tasks:
        raise ResetError(f"judge '{name}' does not judge {task}, only {', '.join(sorted(by.tasks))} (--task)")
    verdicts = list(by.verdicts([response.answer for response in labelled]))
    reasons: dict[str, Counter[str]] = {}
    for verdict in verdicts:
        reasons.setdefault(verdict.name, Counter())[verdict.reason or "no reason given"] += 1
    scores = by_name(verdicts, len(labelled))
    unscored = {key: counts.most_common(1)[0][0] for key, counts in reasons.items() if key not in scores}
    if not scores:
        why = "; ".join(f"{key}: {reason}" for key, reason in unscored.items())
        raise ResetError(f"judge '{name}' could score none of the {len(labelled)} responses; most often: {why}")
    return scores, unscored


def _columns(given: Sequence[str]) -> dict[str, str]:
    columns = {}
    for item in given:
        part, _, column = item.partition("=")
        if part not in PARTS or not column:
            raise ResetError(f"--column is '{item}', must be PART=NAME. {nearest(part, PARTS)}")
        columns[part] = column
    return columns


def _model(model: str) -> str:
    """Return a folder or a hub id; `ResetError` for a path where no folder is."""
    is_path = model.startswith((".", "/", "~")) or model.count("/") > 1
    if is_path and not Path(model).is_dir():
        raise ResetError(f"--model is '{model}', which is no folder here; a hub id has the form owner/name")
    return model


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
        shown = stand_in_label(name, [name] if row["stand_in"] else [])
        lines.append(f"{shown:<18} {row['n']:>4} {row['faithful']:>8}{cells}".rstrip())
    lines += [f"{name}: no score; {reason}" for name, reason in figures["unscored"].items()]
    return "\n".join(lines)


def _cell(figure: Mapping[str, float | None]) -> str:
    value, low, high = (f"{figure[key]:.3f}" if figure[key] is not None else "-" for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"
