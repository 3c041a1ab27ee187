"""The figures of `reset-lm judge-quality` as a table of text for the terminal."""

from collections.abc import Mapping
from typing import Any

from reset.report import words

MEASURES = ("auroc", "balanced_accuracy", "calibration_error", "brier")


def text(figures: Mapping[str, Any]) -> str:
    """Return a row for each verdict, and a line for each that has no score."""
    rows = [["verdict", "n", "faithful", *MEASURES, "CPU s / 100"]]
    for name, row in figures["verdicts"].items():
        cost = "" if row["cpu_s_per_100"] is None else f"{row['cpu_s_per_100']:.2f}"
        cells = [_cell(row[one]) for one in MEASURES]
        rows.append([words.label(name, row["stand_in"]), str(row["n"]), str(row["faithful"]), *cells, cost])
    lines = [f"{figures['records']} labelled responses, set aside: {figures['set_aside']}", words.aligned(rows)]
    return "\n".join([*lines, *(f"{name}: no score; {reason}" for name, reason in figures["unscored"].items())])


def _cell(figure: Mapping[str, float | None]) -> str:
    value, low, high = (f"{figure[key]:.3f}" if figure[key] is not None else "-" for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"
