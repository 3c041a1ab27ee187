"""Verdicts beside the answers they speak of, joined by `answer_id` and by nothing else."""

from collections.abc import Collection, Sequence
from pathlib import Path

from reset.errors import ResetError
from reset.files import schemas, tables

ByAnswer = dict[str, dict[str, float | None]]  # answer_id -> verdict name -> score or null


def answers(path: Path) -> dict[str, tables.Row]:
    """Read the answers of `path` by their id; `ResetError` for an id that occurs twice."""
    found: dict[str, tables.Row] = {}
    for row in tables.read(path, schemas.ANSWERS):
        if found.setdefault(row["answer_id"], row) is not row:
            raise ResetError(f"{path}: a second answer '{row['answer_id']}'")
    return found


def read(paths: Sequence[Path], answer_ids: Collection[str], names: Collection[str] | None = None) -> ByAnswer:
    """Read the verdicts of `paths` that have one of `names`; all without.

    Raises `ResetError` for a verdict on an answer that is not there, and for a second one of a name on an answer.
    """
    found: ByAnswer = {answer_id: {} for answer_id in answer_ids}
    for path in paths:
        for row in tables.read(path, schemas.VERDICTS):
            answer_id, name = row["answer_id"], row["name"]
            if answer_id not in found:
                raise ResetError(f"{path}: verdict '{name}' on answer '{answer_id}', which the answers do not hold")
            if name in found[answer_id]:
                raise ResetError(f"{path}: a second verdict '{name}' on answer '{answer_id}'")
            if names is None or name in names:
                found[answer_id][name] = row["score"]
    return found
