"""`reset-lm show`: trace one row through a run."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from reset.evidence import row_story
from reset.evidence.revisions import Run
from reset.report import words


@click.command()
@click.argument("name", metavar="ID")
@click.option(
    "--run", "rev", default=".", show_default=True, help="Run to read: a Git revision, a DVC experiment or a folder."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(name: str, rev: str, as_json: bool) -> None:
    """Trace one example or one answer, from the raw record to the systems trained on it.

    ID is dataset/split/id for an example, with |setting|sweep added for an answer.

    \b
    Example:
      reset-lm show nq/train/12
      reset-lm show 'nq/train/12|t0.3|0' --run HEAD~1
    """  # noqa: D301  (click reads the \b)
    with TemporaryDirectory() as scratch:
        story = row_story.tell(Run(rev, Path(scratch)), name)
    click.echo(json.dumps(story, indent=2, ensure_ascii=False) if as_json else "\n".join(_lines(story)))


def _lines(story: Mapping[str, Any]) -> Iterator[str]:
    if raw := story["raw"]:
        yield f"raw record   {raw['file']}:{raw['line']}"
    example = story["example"]
    if example is None:
        yield "example      none: `prepare` set its record aside (metrics/prepare)"
    else:
        yield f"example      {example['example_id']}, {example['task']}"
        yield from (f"  {key:<13}{example[key]}" for key in ("instruction", "question") if example[key])
        yield from (f"  passage      {passage}" for passage in example["passages"])
        yield from (f"  reference    {reference}" for reference in example["references"])
    for row in story["mixtures"]:
        yield f"mixture      {row['mixture']}: {row['rows']} rows; trains {', '.join(row['systems']) or 'no system'}"
    if story["prompts"]:
        yield f"prompts      {', '.join(story['prompts'])}"
    for pool in story["pools"]:
        yield f"pool         {pool['pool']}: {len(pool['answers'])} answers"
        for answer in pool["answers"]:
            yield f"  {answer['setting']}|{answer['sweep']}  {answer['text']}"
            yield from (f"      {_verdict(verdict)}" for verdict in answer["verdicts"])
    for row in story["curated"]:
        parts = [f"{name} {words.figure(value)}" for name, value in row["objectives"].items()]
        yield (
            f"curated      {row['curated']}: {row['setting']}|{row['sweep']} of {row['candidates']} answers, score "
            f"{words.figure(row['score'])} ({', '.join(parts)}), margin {words.figure(row['margin'])}{_extras(row)}"
            f"{_untrained(row)}; trains {', '.join(row['systems']) or 'no system'}"
        )
    for row in story["trained"]:
        yield f"system       {row['system']}: {row['by']}"


def _extras(row: Mapping[str, Any]) -> str:
    """The columns that a curated row has besides CURATED's: the rejected answer, a label or a weight."""
    if "rejected" in row:
        return (
            f", rejected {row['rejected_setting']}|{row['rejected_sweep']}, score {words.figure(row['rejected_score'])}"
        )
    if "desirable" in row:
        return ", desirable" if row["desirable"] else ", undesirable"
    return f", weight {words.figure(row['weight'])}" if "weight" in row else ""


def _untrained(row: Mapping[str, Any]) -> str:
    """The parts of the answer that are not trained."""
    parts = [f"'{row['response'][start:end]}'" for start, end in row.get("untrained", ())]
    return f", not trained: {', '.join(parts)}" if parts else ""


def _verdict(row: Mapping[str, Any]) -> str:
    return f"{row['judge']}: {words.label(row['name'], row.get('stand_in'))} {words.figure(row['score'])}" + (
        f", {row['reason']}" if row["reason"] else ""
    )
