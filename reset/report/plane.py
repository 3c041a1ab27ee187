"""The trade-off plane as a drawing: a point per system, arrows to what was made of it, names where there is room.

All positions are pixels of a drawing of a given size. The page holds a wide and a narrow one, since letters in a
drawing shrink with it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, cos, floor, hypot, log10, pi, sin
from typing import Any

from reset.files.tables import Row
from reset.report.lineage import Lineage
from reset.report.words import figure

Box = tuple[float, float, float, float]  # left, top, right, bottom
LETTER, LINE = 8.0, 14.0  # width of a letter and height of a line, at 12 pixels
MARGIN = (46.0, 12.0, 14.0, 40.0)  # left, top, right, bottom
RADIUS = 6.0
DISTANCES = (10.0, 22.0, 36.0)  # of a name from its point


@dataclass(frozen=True)
class Scale:
    """One axis: values from `low` to `high` lie between the pixels `start` and `end`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the pixel of a value."""
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start), 1)

    def ticks(self) -> list[tuple[float, str]]:
        """Return about five round values as pixel and text."""
        step = _step((self.high - self.low) / 5)
        first, last = ceil(self.low / step), floor(self.high / step)
        return [(self.at(n * step), f"{n * step:.{max(0, -floor(log10(step)))}f}") for n in range(first, last + 1)]


def _step(rough: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is at least `rough`."""
    power = 10.0 ** floor(log10(rough))
    return float(next(power * times for times in (1, 2, 5, 10) if power * times >= rough * 0.999))


def plane(
    rows: Sequence[Row],
    macros: Mapping[str, Mapping[str, Row]],
    pair: Sequence[str],
    of: Lineage,
    size: tuple[int, int],
    places: Mapping[str, int],
) -> dict[str, Any]:
    """Return what the template draws: axes, points with their intervals, arrows and names.

    `rows` are those of `reset.report.tables.tradeoff`, `macros` the macro averages of each system,
    `places` the numbers of their colours.
    """
    x, y = _scales(rows, pair, size)
    points = [
        {
            "system": row["system"],
            "x": x.at(row[pair[0]]),
            "y": y.at(row[pair[1]]),
            "family": places[row["system"]],
            "half": row["system"] in of.checkpoints,
            "start": row["system"] not in of.parents,
            "title": f"{row['system']}: " + ", ".join(f"{name} {figure(row[name])}" for name in pair),
            **_cross(macros.get(row["system"], {}), pair, x, y),
        }
        for row in rows
    ]
    arrows = list(_arrows(points, of.parents))
    names = _names(points, arrows, size)
    axes = {"x": x.ticks(), "y": y.ticks(), "left": x.start, "right": x.end, "top": y.end, "bottom": y.start}
    return {"width": size[0], "height": size[1], "points": points, "arrows": arrows, "names": names, **axes}


def _scales(rows: Sequence[Row], pair: Sequence[str], size: tuple[int, int]) -> tuple[Scale, Scale]:
    left, top, right, bottom = MARGIN
    ends = ((left, size[0] - right), (size[1] - bottom, top))
    found = []
    for name, (start, end) in zip(pair, ends, strict=True):
        values = [row[name] for row in rows]
        pad = 0.09 * (max(values) - min(values)) or 0.05
        found.append(Scale(min(values) - pad, max(values) + pad, start, end))
    return found[0], found[1]


def _cross(macro: Mapping[str, Row], pair: Sequence[str], x: Scale, y: Scale) -> dict[str, Any]:
    """The ends of both 95 % intervals within the drawing, where they are known."""
    ends: dict[str, Any] = {}
    for name, axis, scale in zip(pair, "xy", (x, y), strict=True):
        figures = macro.get(name, {})
        if figures.get("low") is not None and figures.get("high") is not None:
            low, high = max(figures["low"], scale.low), min(figures["high"], scale.high)
            ends |= {f"{axis}_low": scale.at(low), f"{axis}_high": scale.at(high)}
    return ends


def _arrows(points: Sequence[Mapping[str, Any]], parents: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Lines from a system to what was made of it, that end before the point; not those to a checkpoint on the way."""
    by_name = {point["system"]: point for point in points}
    for point in points:
        above = by_name.get(parents.get(point["system"], ""))
        if above is None or point["half"]:
            continue
        run, rise = point["x"] - above["x"], point["y"] - above["y"]
        length = hypot(run, rise)
        if length > 3 * RADIUS:
            one, two = RADIUS / length, 1 - (RADIUS + 3) / length
            ends = {"x1": above["x"] + run * one, "y1": above["y"] + rise * one}
            ends |= {"x2": above["x"] + run * two, "y2": above["y"] + rise * two}
            yield {key: round(value, 1) for key, value in ends.items()} | {"family": point["family"]}


def _names(
    points: Sequence[Mapping[str, Any]], arrows: Sequence[Mapping[str, Any]], size: tuple[int, int]
) -> list[dict[str, Any]]:
    """A place for each name that crosses no other name and no point; a name without room is left to the tooltip."""
    dots = [_around(point["x"], point["y"], RADIUS, RADIUS) for point in points]
    taken: list[Box] = []
    placed = []
    for point in sorted(points, key=lambda one: (one["half"], one["y"])):
        own = [dot for dot, other in zip(dots, points, strict=True) if other is not point]
        best = min(_ways(point, taken, own, arrows, size), key=lambda way: way[0], default=None)
        if best:
            taken.append(best[1])
            placed.append(best[2])
    return placed


def _ways(
    point: Mapping[str, Any],
    taken: Sequence[Box],
    dots: Sequence[Box],
    arrows: Sequence[Mapping[str, Any]],
    size: tuple[int, int],
) -> Iterator[tuple[float, Box, dict[str, Any]]]:
    """Yield the places around a point that are free: cost, box, and what is drawn."""
    half = LETTER * len(point["system"]) / 2
    for distance in DISTANCES:
        for turn in range(8):
            dx, dy = cos(turn * pi / 4), -sin(turn * pi / 4)
            x, y = point["x"] + dx * (distance + half), point["y"] + dy * (distance + LINE / 4)
            if abs(dx) < 0.1:
                x = point["x"]
            box = _around(x, y, half, LINE / 2)
            inside = box[0] > MARGIN[0] and box[2] < size[0] - 2 and box[1] > 2 and box[3] < size[1] - MARGIN[3]
            if not inside or any(_cross_boxes(box, other) for other in (*taken, *dots)):
                continue
            crossed = sum(_crossed(box, arrow) for arrow in arrows)
            line = {"x1": point["x"], "y1": point["y"]} if distance > DISTANCES[0] else {}
            yield 3 * crossed + distance / 10 + turn / 50, box, _name(point, x, y, line)


def _name(point: Mapping[str, Any], x: float, y: float, line: Mapping[str, float]) -> dict[str, Any]:
    where = {"x": round(x, 1), "y": round(y, 1), **line}
    return {"system": point["system"], "family": point["family"], "half": point["half"], **where}


def _around(x: float, y: float, half_width: float, half_height: float) -> Box:
    return x - half_width, y - half_height, x + half_width, y + half_height


def _cross_boxes(one: Box, two: Box) -> bool:
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]


def _crossed(box: Box, arrow: Mapping[str, Any]) -> bool:
    """Whether an arrow runs through a box, looked at in twenty places."""
    for n in range(21):
        x = arrow["x1"] + (arrow["x2"] - arrow["x1"]) * n / 20
        y = arrow["y1"] + (arrow["y2"] - arrow["y1"]) * n / 20
        if box[0] < x < box[2] and box[1] < y < box[3]:
            return True
    return False
