"""What continued training brought each system over the one it started from, and with how many rows; controls too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reset.files.tables import Row, read_json
from reset.scoring import comparison


@dataclass(frozen=True)
class Continued:
    """An evaluated system that went on from an evaluated one; `series` says of which kind its rows are."""

    system: str
    init: str
    series: str


def continued(
    systems: Mapping[str, Mapping[str, str]], curated: Mapping[str, Mapping[str, object]], evaluated: Sequence[str]
) -> list[Continued]:
    """The systems trained on curated rows, and those that share start and recipe with one of them."""
    alike = {(row["init"], row["recipe"]) for row in systems.values() if row["data"].startswith("curated/")}
    found = []
    for name, row in systems.items():
        kind, _, data = row["data"].partition("/")
        if {name, row["init"]} <= set(evaluated) and (kind == "curated" or (row["init"], row["recipe"]) in alike):
            found.append(Continued(name, row["init"], _series(row["init"], data, curated.get(data))))
    return found


def _series(init: str, data: str, row: Mapping[str, object] | None) -> str:
    """Sets that differ in their share alone are one series."""
    if row is None:
        return f"{init} on {data}"
    return f"{init} on {row['pick']} of {row['pool']}" + (f" by {row['rating']}" if row["pick"] == "best" else "")


def rows(metrics: Path, scores: Path, found: Sequence[Continued], *, resamples: int, seed: int) -> list[Row]:
    """One row per system and measure: training rows, gain with its paired 95 % interval; `panel` is the measure."""
    pairs = [(one.system, one.init) for one in found]
    series = {one.system: one.series for one in found}
    return [
        {
            **{"system": pair["system"], "against": pair["against"], "panel": measure},
            **{"series": series[pair["system"]], "rows": _trained(metrics, pair["system"])},
            **{"gain": figures["mean"], "low": figures["low"], "high": figures["high"]},
        }
        for pair in comparison.differences([scores], pairs, resamples=resamples, seed=seed)
        for measure, figures in pair["measures"].items()
        if figures["mean"] is not None
    ]


def _trained(metrics: Path, system: str) -> int | None:
    path = metrics / "train" / f"{system}.json"
    return int(read_json(path)["rows_out"]) if path.is_file() else None
