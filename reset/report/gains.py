"""Gain of continued training: each system against the one it started from, with its training rows; controls too."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reset.files.metrics import Metrics
from reset.files.tables import Row
from reset.objectives import Measures
from reset.report.words import label
from reset.scoring import comparison


@dataclass(frozen=True)
class Continued:
    """An evaluated system whose training started from an evaluated one; `series` names the line it is drawn in."""

    system: str
    init: str
    series: str


def continued(
    systems: Mapping[str, Mapping[str, str]], curated: Mapping[str, Mapping[str, object]], evaluated: Sequence[str]
) -> list[Continued]:
    """Return the systems trained on curated rows, and the controls: those with the start and recipe of one of them."""
    alike = {(row["init"], row["recipe"]) for row in systems.values() if row["data"].startswith("curated/")}
    rows = []
    for name, row in systems.items():
        kind, _, data = row["data"].partition("/")
        if {name, row["init"]} <= set(evaluated) and (kind == "curated" or (row["init"], row["recipe"]) in alike):
            rows.append(Continued(name, row["init"], _series(row["init"], data, curated.get(data))))
    return rows


def _series(init: str, data: str, row: Mapping[str, object] | None) -> str:
    """Name the series; curated sets that differ only in their share belong to one series."""
    if row is None:
        return f"{init} on {data}"
    return f"{init} on {row['pick']} of {row['pool']}" + (f" by {row['rating']}" if row["pick"] == "best" else "")


def rows(
    metrics: Metrics,
    scores: Path,
    systems: Sequence[Continued],
    measures: Measures,
    *,
    summaries: Iterable[Row],
    resamples: int,
    seed: int,
) -> list[Row]:
    """Return one row per system and measure (`panel`): training rows, and the gain with its paired 95 % interval.

    The `summaries` of the systems say which measures rest on a stand-in.
    """
    pairs = [(system.system, system.init) for system in systems]
    series = {system.system: system.series for system in systems}
    return [
        {
            **{"system": pair["system"], "against": pair["against"], "panel": label(measure, figures.get("stand_in"))},
            **{"series": series[pair["system"]], "rows": _training_rows(metrics, pair["system"])},
            **{"gain": figures["mean"], "low": figures["low"], "high": figures["high"]},
        }
        for pair in comparison.marked(
            comparison.differences([scores], pairs, measures, resamples=resamples, seed=seed), summaries, measures
        )
        for measure, figures in pair["measures"].items()
        if figures["mean"] is not None
    ]


def _training_rows(metrics: Metrics, system: str) -> int | None:
    rows: int | None = metrics.read(f"train/{system}").get("rows_out")
    return rows
