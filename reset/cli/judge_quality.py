"""`reset-lm judge-quality`: compare judges with human labels."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, NamedTuple

import click
import yaml

from reset import params, registry
from reset.errors import ResetError, nearest
from reset.evidence import logistic, stacking
from reset.evidence.judge_quality import measure
from reset.evidence.labelled_responses import PARTS, Labelled, read
from reset.judges import Judge, Verdict
from reset.params.document import Params
from reset.report.quality_table import text

MODELS = Path("models")
TASKS = ("abstractive_qa", "summarization", "extractive_qa")


@click.command()
@click.argument("records", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--judge",
    "names",
    multiple=True,
    metavar="NAME[:KEY=VALUE,...]",
    help="Row of `judges` in params.yaml, with other options or another `model`; may be repeated.  [default: lexical]",
)
@click.option("--model", help="Model for the judges that use one, instead of theirs: a folder or hub id.")
@click.option("--task", default=TASKS[0], show_default=True, help=f"Judge the responses as: {', '.join(TASKS)}.")
@click.option("--column", "columns", multiple=True, metavar="PART=NAME", help=f"Column of a part: {', '.join(PARTS)}.")
@click.option("--faithful", multiple=True, metavar="LABEL", help="Label that means faithful; may be repeated.")
@click.option("--stack", is_flag=True, help="Also take all verdicts together: their mean, and a regression on them.")
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
    stack: bool,
    threshold: float,
    resamples: int,
    seed: int,
    as_json: bool,
) -> None:
    """Judge the labelled responses of RECORDS; print AUROC, balanced accuracy and calibration with 95 % intervals.

    Beside them stand the seconds of processor time that a judge takes for 100 responses.

    RECORDS are RefChecker's human annotations joined with their context, QAGS' annotations, or any table with a column
    for the answer, its context and the label (--column names them), as JSON lines, JSON, CSV, TSV, Parquet or Arrow.

    \b
    Example:
      reset-lm judge-quality refchecker_dolly.jsonl --judge lexical
      reset-lm judge-quality qags_cnndm.jsonl --task summarization --judge summac
      reset-lm judge-quality mine.csv --column answer=reply --column label=ok --faithful good
      reset-lm judge-quality refchecker_dolly.jsonl --judge summac --model models/base/micro_nli --json
      reset-lm judge-quality refchecker_dolly.jsonl --judge lexical --judge summac --judge summac:window=3 --stack
      reset-lm judge-quality refchecker_dolly.jsonl --judge summac --judge summac:model=models/base/micro_nli
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
    if stack:
        logistic.require()
    scores, told, unscored = _judged(params.load(), names or ("lexical",), model, task, labelled)
    if stack:
        whole = {"stand_in": any(one["stand_in"] for one in told.values()), "cpu_s_per_100": None, "s_per_100": None}
        both = stacking.together(scores, labelled, seed)
        scores, told = {**scores, **both}, {**told, **dict.fromkeys(both, whole)}
        if stacking.STACK not in both:
            unscored[stacking.STACK] = f"either label needs {logistic.FOLDS} contexts where every verdict has a score"
    figures = {
        name: {**measure(column, labelled, threshold=threshold, resamples=resamples, seed=seed), **told[name]}
        for name, column in scores.items()
    }
    shown = {"records": len(labelled), "set_aside": aside, "threshold": threshold, "verdicts": figures}
    shown["unscored"] = unscored
    click.echo(json.dumps(shown, indent=2) if as_json else text(shown))


def _judged(
    p: Params, names: Sequence[str], model: str | None, task: str, labelled: Sequence[Labelled]
) -> tuple[dict[str, list[float | None]], dict[str, dict[str, Any]], dict[str, str]]:
    """The scores of each verdict, what is told of its judge, and why some verdicts have no score."""
    columns: dict[str, list[float | None]] = {}
    told: dict[str, dict[str, Any]] = {}
    unscored: dict[str, str] = {}
    for given in dict.fromkeys(names):
        name, _, options = given.partition(":")
        said = judged(p, name, model, task, labelled, _options(given, options))
        variant = f":{options}" if options else ""
        unscored |= {f"{verdict}{variant}": why for verdict, why in said.unscored.items()}
        columns |= {f"{verdict}{variant}": column for verdict, column in said.scores.items()}
        own = {"stand_in": said.stand_in, **said.cost}
        told |= {f"{verdict}{variant}": own for verdict in said.scores}
    return columns, told, unscored


class Said(NamedTuple):
    """What a judge said: scores per verdict name, why names have none, and seconds per 100 responses."""

    scores: dict[str, list[float | None]]
    unscored: dict[str, str]
    cost: dict[str, float]
    stand_in: bool  # the judge is one of those that only stand in for another


def judged(
    p: Params, name: str, model: str | None, task: str, labelled: Sequence[Labelled], other: Mapping[str, Any]
) -> Said:
    """Let judge `name`, with `other` options before its own, judge the rows; scores are in their order."""
    row = params.row(p.judges, name, "judges")
    options = {"name": name, **row.options, **other}
    if row.model is not None:
        model = other.get("model", model)
        options["model"] = _model(model) if model else str(MODELS / row.model)
    by: Judge = registry.build(registry.JUDGES, row.kind, f"judges.{name}.options", **options)
    if task not in by.tasks:
        raise ResetError(f"judge '{name}' does not judge {task}, only {', '.join(sorted(by.tasks))} (--task)")
    cpu, clock = process_time(), perf_counter()
    verdicts = list(by.verdicts([response.answer for response in labelled]))
    spent = {"cpu_s_per_100": process_time() - cpu, "s_per_100": perf_counter() - clock}
    reasons: dict[str, Counter[str]] = {}
    for verdict in verdicts:
        reasons.setdefault(verdict.name, Counter())[verdict.reason or "no reason given"] += 1
    scores = by_name(verdicts, len(labelled))
    unscored = {key: counts.most_common(1)[0][0] for key, counts in reasons.items() if key not in scores}
    if not scores:
        why = "; ".join(f"{key}: {reason}" for key, reason in unscored.items())
        raise ResetError(f"judge '{name}' could score none of the {len(labelled)} responses; most often: {why}")
    cost = {key: round(100 * value / len(labelled), 4) for key, value in spent.items()}
    return Said(scores, unscored, cost, name in p.stand_ins and not model)


def _options(given: str, options: str) -> dict[str, Any]:
    """The options behind a judge's name, each value as YAML reads it."""
    chosen = {}
    for item in filter(None, options.split(",")):
        key, _, value = item.partition("=")
        if not key or not value:
            raise ResetError(f"--judge is '{given}', must be NAME or NAME:KEY=VALUE,...")
        try:
            chosen[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ResetError(f"--judge is '{given}', whose {key} is no YAML value") from error
    return chosen


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
        raise ResetError(f"the model is '{model}', which is no folder here; a hub id has the form owner/name")
    return model


def by_name(verdicts: list[Verdict], rows: int) -> dict[str, list[float | None]]:
    """Return the scores per verdict name in the order of the rows; names with only nulls are left out."""
    scores_of: dict[str, list[float | None]] = {}
    for verdict in verdicts:
        scores_of.setdefault(verdict.name, [None] * rows)[int(verdict.answer_id)] = verdict.score
    return {name: scores for name, scores in scores_of.items() if any(score is not None for score in scores)}
