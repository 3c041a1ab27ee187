"""The columns of `dvc exp show` without flags: a line has over a thousand metrics, and few tell experiments apart."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from reset import objectives


def titles(params: Mapping[str, Any], columns: Iterable[str]) -> dict[str, str]:
    """Return those of `columns` that sum up a run, with short titles: the averages compared, of two systems.

    `params` is the content of params.yaml. The systems are the first pair of `report.comparisons`, or the first two
    that are evaluated. DVC leaves out the path of a name that only one file has.
    """
    systems = next(iter(params["report"]["comparisons"]), params["evaluate"]["systems"][:2])
    measures = objectives.measures(objectives.read(params["objectives"]))
    scores = {objectives.macro_name(*of): measure for measure, of in measures.items()}
    found = {column: _score(column, systems) for column in columns}
    return {column: f"{of[0]} {scores[of[1]]}".strip() for column, of in found.items() if of and of[1] in scores}


def _score(column: str, systems: Iterable[str]) -> tuple[str, str] | None:
    """Return system and macro average of a column; None if it is neither, or another system's."""
    found = re.fullmatch(r"(?:(?:.*/)?systems/([\w.-]+)\.json:)?macro\.(\w+)\.mean", column)
    if not found or found[1] not in (None, *systems):
        return None
    return found[1] or "", found[2]
