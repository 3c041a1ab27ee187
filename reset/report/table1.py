"""Table 1: our data sets beside the paper's figures, with the records that were set aside."""

import csv
from pathlib import Path

from reset.files.schemas import SPLITS
from reset.files.tables import Row, read_json

PAPER = Path(__file__).with_name("paper_table1.csv")


def paper() -> dict[str, dict[str, str]]:
    """Return the paper's row of each data set, as printed."""
    lines = (line for line in PAPER.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return {row.pop("dataset"): row for row in csv.DictReader(lines)}


def rows(metrics: Path) -> list[Row]:
    """Return one row per data set, those of the paper first, in its order; none before stage `describe` has run."""
    file, theirs = metrics / "describe/examples.json", paper()
    ours = read_json(file) if file.is_file() else {}
    names = [name for name in theirs if name in ours] + [name for name in ours if name not in theirs]
    return [
        {"dataset": name, **_figures(ours[name], theirs.get(name, {})), **_set_aside(metrics, name)} for name in names
    ]


def _figures(ours: Row, theirs: dict[str, str]) -> Row:
    return {
        key: f"{'' if ours[key] is None else ours[key]}" + (f" ({theirs[key]})" if theirs.get(key) else "")
        for key in (*SPLITS, "mean_response_tokens")
    }


def _set_aside(metrics: Path, name: str) -> Row:
    file = metrics / f"prepare/{name}.json"
    aside = read_json(file)["set_aside"] if file.is_file() else {}
    return {"set_aside": ", ".join(f"{count} {reason}" for reason, count in aside.items())}
