"""`reset-lm show`: one row's whole story."""

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
@click.option("--run", "rev", default=".", show_default=True, help="A Git revision, a DVC experiment or a folder.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(name: str, rev: str, as_json: bool) -> None:
    """Tell the story of one example or one answer, from the raw record to the systems trained on it.

    \b
    Example:
      reset-lm show nq/train/12
      reset-lm show 'nq/train/12|t0.3|0' --run HEAD~1
    """  # noqa: D301  (click reads the \b)
    with TemporaryDirectory() as scratch:
        found = row_story.tell(Run(rev, Path(scratch)), name)
    click.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else "\n".join(_lines(found)))


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    if raw := found["raw"]:
        yield f"raw record   {raw['file']}:{raw['line']}"
    example = found["example"]
    if example is None:
        yield "example      none: `prepare` set its record aside (metrics/prepare)"
    else:
        yield f"example      {example['example_id']}, {example['task']}"
        yield from (f"  {key:<13}{example[key]}" for key in ("instruction", "question") if example[key])
        yield from (f"  passage      {passage}" for passage in example["passages"])
        yield from (f"  reference    {reference}" for reference in example["references"])
    for row in found["mixtures"]:
        yield f"mixture      {row['mixture']}: {row['rows']} rows; trains {', '.join(row['systems']) or 'no system'}"
    if found["prompts"]:
        yield f"prompts      {', '.join(found['prompts'])}"
    for pool in found["pools"]:
        yield f"pool         {pool['pool']}: {len(pool['answers'])} answers"
        for answer in pool["answers"]:
            yield f"  {answer['setting']}|{answer['sweep']}  {answer['text']}"
            yield from (f"      {_verdict(verdict)}" for verdict in answer["verdicts"])
    for row in found["curated"]:
        parts = [f"{axis} {words.figure(row[f'{axis}_score'])}" for axis in ("task", "instruction", "faithfulness")]
        yield (
            f"curated      {row['curated']}: {row['setting']}|{row['sweep']} of {row['candidates']} answers, score "
            f"{words.figure(row['score'])} ({', '.join(parts)}), margin {words.figure(row['margin'])}{_beside(row)}; "
            f"trains {', '.join(row['systems']) or 'no system'}"
        )
    for row in found["trained"]:
        yield f"system       {row['system']}: {row['by']}"


def _beside(row: Mapping[str, Any]) -> str:
    """What a row of several answers says beside the best: the rejected one, a label or a weight."""
    if "rejected" in row:
        return (
            f", rejected {row['rejected_setting']}|{row['rejected_sweep']}, score {words.figure(row['rejected_score'])}"
        )
    if "desirable" in row:
        return ", desirable" if row["desirable"] else ", undesirable"
    return f", weight {words.figure(row['weight'])}" if "weight" in row else ""


def _verdict(row: Mapping[str, Any]) -> str:
    return f"{row['judge']}: {row['name']} {words.figure(row['score'])}" + (
        f", {row['reason']}" if row["reason"] else ""
    )
