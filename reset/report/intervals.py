"""Means with their intervals as a table of small drawings: one row per comparison or system, one panel per measure.

The drawings are boxes placed in percent of their cell, so that letters keep their size on a narrow screen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from reset.files.tables import Row
from reset.report.words import MINUS, direction, interval, label, mean, signed, told

CLIP = 3.0  # an interval further out than this many median ones does not set the scale: it ends in an arrow
PAD = 0.08  # of the scale, on either side
NEAR = 12.0  # percent from the line within which an end of the scale is not named


@dataclass(frozen=True)
class Line:
    """A row of the drawing."""

    name: str
    figures: Sequence[Row | None]  # mean, low and high of each panel; None: nothing was measured
    note: str = ""
    family: int | None = None  # the number of its colour; None: coloured by the direction of a difference


@dataclass(frozen=True)
class Drawing:
    """What the template draws; positions in percent of a panel."""

    panels: Sequence[str] = ()
    lines: Sequence[Mapping[str, Any]] = ()
    ticks: Sequence[tuple[float, str]] = ()
    zero: float | None = None  # where the line of no difference is
    mark: str = ""  # what that line means
    more: int = 0  # rows that are not drawn
    title: str = ""


def drawing(
    panels: Sequence[str],
    lines: Sequence[Line],
    *,
    zero: float | None = 0.0,
    most: int | None = None,
    title: str = "",
    mark: str = "",
) -> Drawing:
    """Draw `lines` on one scale; `zero` is the value of a line to compare with, or None. `most` lines are drawn."""
    shown = lines[:most]
    low, high = _scale([cell for line in shown for cell in line.figures if cell and cell["mean"] is not None], zero)
    if zero is not None:
        low, high = min(low, zero), max(high, zero)
    pad = PAD * (high - low) or 0.1
    span = (low - pad, high + pad)
    return Drawing(
        panels,
        [_line(line, span, zero) for line in shown],
        [
            (_at(value, span), f"{value:+.2f}".replace("-", MINUS) if zero == 0 else f"{value:.2f}")
            for value in (low, high)
            if zero is None or abs(_at(value, span) - _at(zero, span)) > NEAR
        ],
        None if zero is None else _at(zero, span),
        more=len(lines) - len(shown),
        title=title,
        mark=mark,
    )


def _scale(cells: Sequence[Row], zero: float | None) -> tuple[float, float]:
    """The ends of the scale; with a zero line, a few far values do not press all others together."""
    ends = [value for cell in cells for value in _ends(cell)]
    if not ends:
        return (0.0, 1.0) if zero is None else (zero - 0.1, zero + 0.1)
    if zero is None:
        return min(ends), max(ends)
    far = [max(abs(value - zero) for value in _ends(cell)) for cell in cells]
    limit = CLIP * median(far) or 1.0
    return max(min(ends), zero - limit), min(max(ends), zero + limit)


def _ends(cell: Row) -> tuple[float, float]:
    middle = cell["mean"]
    low, high = cell.get("low"), cell.get("high")
    return (middle if low is None else low, middle if high is None else high)


def _line(line: Line, span: tuple[float, float], zero: float | None) -> dict[str, Any]:
    plain = zero is None or line.family is not None
    cells = [_cell(cell, span, zero, plain) if cell and cell["mean"] is not None else None for cell in line.figures]
    return {"name": line.name, "note": line.note, "family": line.family, "cells": cells}


def _cell(cell: Row, span: tuple[float, float], zero: float | None, plain: bool) -> dict[str, Any]:
    low, high = _ends(cell)
    left, right, middle = (_at(min(max(value, span[0]), span[1]), span) for value in (low, high, cell["mean"]))
    beyond = "left" if cell["mean"] < span[0] else "right" if cell["mean"] > span[1] else ""
    text = signed(cell) if zero == 0 else mean(cell)
    said = told(cell) if zero == 0 else cell.get("note", "")
    title = " ".join(part for part in (text, interval(cell), said) if part)
    bare, tone = cell.get("low") is None, "" if plain else _tone(cell, zero or 0.0)
    return {
        **{
            "left": left,
            "width": round(right - left, 2),
            "middle": middle,
            "beyond": beyond,
            "bare": bare,
            "tone": tone,
        },
        **{"text": text.replace(label("", True), "*"), "title": title, "said": said},
    }


def _tone(cell: Row, zero: float) -> str:
    """The direction of a difference, or of a value from the line that it is compared with."""
    moved = {name: None if cell.get(name) is None else cell[name] - zero for name in ("mean", "low", "high")}
    return direction({**cell, **moved})


def _at(value: float, span: tuple[float, float]) -> float:
    return round(100 * (value - span[0]) / (span[1] - span[0]), 2)
