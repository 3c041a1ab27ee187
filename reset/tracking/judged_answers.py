"""A small table of a system's judged answers, which MLflow's page shows and compares between systems.

A hash of their ids decides which prompts it has, so tables of the same prompts have the same rows.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROWS = 100
MOST_CHARS = 2000  # of a text; the rest is cut
ARGUMENTS = ("answers", "prompts", "scores")  # of the command of `evaluate`


def of_stage(stage: str) -> dict[str, Any] | None:
    """Return the table of an evaluation: its columns, its rows, and of how many answers; None of another stage."""
    context = click.get_current_context(silent=True)
    paths = context.params if context else {}
    if stage != "evaluate" or not all(isinstance(paths.get(name), Path) for name in ARGUMENTS):
        return None
    try:
        return table(*(paths[name] for name in ARGUMENTS))
    except (OSError, KeyError, pa.ArrowException):  # the stage has failed on them, and says so itself
        return None


def table(answers: Path, prompts: Path, scores: Path) -> dict[str, Any]:
    """Return `columns`, `rows` and `of`, the number of answers that the rows were drawn from."""
    ids = pq.read_table(answers, columns=["example_id"])["example_id"].to_pylist()
    drawn = sorted(dict.fromkeys(ids), key=_hash)[:ROWS]
    asked = _by_id(prompts, ["instruction", "question"], drawn)
    said = _by_id(answers, ["dataset", "system", "text"], drawn)
    scored: dict[str, dict[str, Any]] = {}
    for row in _rows(scores, ["objective", "score"], drawn):
        scored.setdefault(row["example_id"], {})[row["objective"]] = row["score"]
    objectives = list(dict.fromkeys(name for row in scored.values() for name in row))
    rows = [
        [one, said[one]["dataset"], said[one]["system"], _prompt(asked[one]), said[one]["text"][:MOST_CHARS]]
        + [scored.get(one, {}).get(name) for name in objectives]
        for one in sorted(drawn)
    ]
    return {
        "columns": ["example_id", "dataset", "system", "prompt", "answer", *objectives],
        "rows": rows,
        "of": len(ids),
    }


def _prompt(row: Mapping[str, Any]) -> str:
    return "\n\n".join(text for text in (row["instruction"], row["question"]) if text)[:MOST_CHARS]


def _by_id(path: Path, columns: list[str], ids: list[str]) -> dict[str, dict[str, Any]]:
    return {row["example_id"]: row for row in _rows(path, columns, ids)}


def _rows(path: Path, columns: list[str], ids: list[str]) -> list[dict[str, Any]]:
    found = pq.read_table(path, columns=["example_id", *columns])
    kept: list[dict[str, Any]] = found.filter(pc.is_in(found["example_id"], pa.array(ids))).to_pylist()
    return kept


def _hash(example_id: str) -> bytes:
    return hashlib.blake2b(example_id.encode(), digest_size=8).digest()
