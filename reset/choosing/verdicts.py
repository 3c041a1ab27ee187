"""Read answers and the verdicts on them, joined by `answer_id` only."""

from collections.abc import Collection, Sequence
from pathlib import Path

from reset.errors import ResetError
from reset.files import schemas, tables

ByAnswer = dict[str, dict[str, float | None]]  # answer_id -> verdict name -> score or null


def answers(path: Path) -> dict[str, tables.Row]:
    """Read the answers of `path` by their id; `ResetError` for an id that occurs twice."""
    by_id: dict[str, tables.Row] = {}
    for row in tables.read(path, schemas.ANSWERS):
        if by_id.setdefault(row["answer_id"], row) is not row:
            raise ResetError(f"{path}: a second answer '{row['answer_id']}'")
    return by_id


def read(paths: Sequence[Path], answer_ids: Collection[str], names: Collection[str] | None = None) -> ByAnswer:
    """Read the verdicts in `paths`: those called one of `names`, or all if `names` is None.

    Raises `ResetError` for a verdict on an answer that is not in `answer_ids`, and for a second verdict of the same
    name on an answer.
    """
    by_answer: ByAnswer = {answer_id: {} for answer_id in answer_ids}
    for path in paths:
        for row in tables.read(path, schemas.VERDICTS):
            answer_id, name = row["answer_id"], row["name"]
            if answer_id not in by_answer:
                raise ResetError(f"{path}: verdict '{name}' on unknown answer '{answer_id}'")
            if name in by_answer[answer_id]:
                raise ResetError(f"{path}: a second verdict '{name}' on answer '{answer_id}'")
            if names is None or name in names:
                by_answer[answer_id][name] = row["score"]
    return by_answer
