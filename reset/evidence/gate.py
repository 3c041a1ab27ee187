"""Conditions under which a comparison of two runs fails, for CI: `unseen faithfulness < -0.02`."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

from reset import objectives
from reset.errors import ResetError, nearest
from reset.evidence.revisions import Run

_FORM = re.compile(r"(?:([\w-]+)\s*:)?\s*([\w -]+?)\s*([<>])\s*([+-]?\d*\.?\d+)")
_LEVEL, _POWER = 0.975, 0.8  # of a two-sided test at 5 %, which shows the least difference four times in five


@dataclass(frozen=True)
class Condition:
    """A comparison fails if B minus A of an average, of one system or of any, is below or above a limit."""

    text: str
    system: str | None  # None: every system that both runs have
    score: str  # name of a macro average
    below: bool
    limit: float

    def holds(self, difference: float) -> bool:
        """Whether a difference is beyond the limit."""
        return difference < self.limit if self.below else difference > self.limit


def read(texts: Sequence[str], a: Run, b: Run) -> list[Condition]:
    """Read conditions; the averages and systems are those that both runs may have.

    Raises `ResetError` for one that is none, and for an average or system that there is not.
    """
    declared = [objectives.read(run.yaml("params.yaml").get("objectives", {})) for run in (a, b)]
    known = {
        words: objectives.macro_name(name, part)
        for of in declared
        for name in of
        for part in (None, *objectives.PARTS)
        for words in (f"{part} {name}" if part else name, objectives.macro_name(name, part))
    }
    systems = {Path(name).stem for run in (a, b) for name in run.files("metrics/systems") if name.endswith(".json")}
    return [_condition(text, known, systems) for text in texts]


def _condition(text: str, known: Mapping[str, str], systems: Collection[str]) -> Condition:
    found = _FORM.fullmatch(text.strip())
    if not found:
        raise ResetError(f"'{text}' is no condition, such as 'unseen faithfulness < -0.02' or 'mtl_reset: task < 0'")
    system, average, sign, limit = found.groups()
    if average not in known:
        raise ResetError(f"'{text}': there is no average '{average}'. {nearest(average, known)}")
    if system and system not in systems:
        raise ResetError(f"'{text}': there is no system '{system}'. {nearest(system, systems)}")
    return Condition(text.strip(), system, known[average], sign == "<", float(limit))


def results(comparison: Mapping[str, Any], conditions: Sequence[Condition]) -> Iterator[dict[str, Any]]:
    """Yield a row for each condition and system: the difference, whether it fails, the least that could be shown.

    A system whose answers to tests did not change has no row. Raises `ResetError` if none of the systems that did
    change has the average.
    """
    macro = [row for row in comparison["scores"] if row["dataset"] is None]
    for one in conditions:
        rows = [row for row in macro if one.system in (None, _name(row))]
        of = [row for row in rows if row["score"] == one.score and row["difference"] is not None]
        if rows and not of:
            raise ResetError(f"'{one.text}': no system of both runs has the average {one.score}")
        for row in of:
            yield {
                "condition": one.text,
                **{key: row[key] for key in ("system", "difference", "low", "high", "prompts")},
                "least": least(row["low"], row["high"]),
                "fails": one.holds(row["difference"]),
            }


def _name(row: Mapping[str, Any]) -> str:
    return str(row["system"].partition(" ")[0])


def least(low: float | None, high: float | None) -> float | None:
    """Return the least true difference that as many prompts show four times in five, from a 95 % interval.

    That is 2.80 standard errors: those of a two-sided test at 5 % with a power of 80 %. None without an interval.
    """
    if low is None or high is None:
        return None
    normal = NormalDist()
    error = (high - low) / (2 * normal.inv_cdf(_LEVEL))
    return round((normal.inv_cdf(_LEVEL) + normal.inv_cdf(_POWER)) * error, 4)
