"""Table 1: our data sets beside the paper's figures, with the records that were set aside."""

import csv
from pathlib import Path

from reset.files.metrics import Metrics
from reset.files.schemas import SPLITS
from reset.files.tables import Row

PAPER = Path(__file__).with_name("paper_table1.csv")


def paper() -> dict[str, dict[str, str]]:
    """Return the paper's row of each data set, as printed."""
    lines = (line for line in PAPER.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return {row.pop("dataset"): row for row in csv.DictReader(lines)}


def rows(metrics: Metrics) -> list[Row]:
    """Return one row per data set, those of the paper first, in its order; none before stage `describe` has run."""
    ours, theirs = metrics.read("describe/examples").get("datasets", {}), paper()
    names = [name for name in theirs if name in ours] + [name for name in ours if name not in theirs]
    return [
        {"dataset": name, **_figures(ours[name], theirs.get(name, {})), **_set_aside(metrics, name)} for name in names
    ]


def _figures(ours: Row, theirs: dict[str, str]) -> Row:
    return {
        key: f"{'' if ours[key] is None else ours[key]}" + (f" ({theirs[key]})" if theirs.get(key) else "")
        for key in (*SPLITS, "mean_response_tokens")
    }


def _set_aside(metrics: Metrics, name: str) -> Row:
    aside = metrics.read(f"prepare/{name}").get("set_aside", {})
    return {"set_aside": ", ".join(f"{count} {reason}" for reason, count in aside.items())}
