"""The front of a trade-off: the points that no other point beats, their intervals, and the steps between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from reset.choosing.agreement import FEWEST, NO_SPREAD
from reset.evidence import weighings
from reset.evidence.weighings import Floats, Pool

Floors = Mapping[str, float]
Figures = dict[str, Any]
SHOWN = 12  # points of a front with their intervals and steps, at most


@dataclass(frozen=True)
class Points:
    """Points of the same floors and the same objectives of weight 0."""

    pool: Pool
    floors: Floors
    weights: Floats  # (points, objectives)
    values: Floats  # (prompts, points, objectives and one column that counts)
    means: Floats  # (points, objectives)


def mark(points: Sequence[Figures], varied: Sequence[str]) -> None:
    """Say of each point whether it is on the front."""
    rows = np.array([coordinates(point, varied) for point in points])
    for point, own in zip(points, rows, strict=True):
        point["front"] = not beaten(own, rows)


def beaten(own: Floats, rows: Floats) -> bool:
    """Whether one of `rows` has as many prompts and is as good in all objectives as `own`, and better in one."""
    return bool(((rows >= own).all(axis=1) & (rows[:, 1:] > own[1:]).any(axis=1)).any())


def coordinates(point: Figures, varied: Sequence[str]) -> list[float]:
    """Return what points are compared by: prompts with a winner, and the mean of each varied objective."""
    return [point["prompts"], *(point["means"].get(name, -1.0) for name in varied)]


def front(
    groups: Sequence[Points], points: Sequence[Figures], varied: Sequence[str], resamples: int, seed: int
) -> list[Figures]:
    """Return at most `SHOWN` points of the front per set of floors, by the first objective, with the steps between."""
    places = [(group, place) for group in groups for place in range(len(group.weights))]
    draws = weighings.draws(groups[0].pool, resamples, seed)
    rows: list[Figures] = []
    for _, numbers in groupby(_places_of_front(points, varied), key=lambda number: points[number]["floors"]):
        before: tuple[Figures, Floats] | None = None
        for number in _thinned([*numbers]):
            group, place = places[number]
            means = weighings.resampled(group.pool, group.values[:, place, :-1], draws)  # (resamples, objectives)
            row = {key: points[number][key] for key in ("weights", "floors", "prompts", "means")}
            row["intervals"] = _intervals(group.pool, means)
            row["step"] = None if before is None else _step(group.pool, before, (row, means), varied)
            before = (row, means)
            rows.append(row)
    return rows


def _places_of_front(points: Sequence[Figures], varied: Sequence[str]) -> list[int]:
    """The points of the front, each once: per set of floors, from the least of the first objective to its most."""
    settings = [*dict.fromkeys(tuple(point["floors"].items()) for point in points)]
    once: dict[tuple[Any, ...], int] = {}
    for number, point in enumerate(points):
        if point["front"]:
            floors = settings.index(tuple(point["floors"].items()))
            prompts, *means = coordinates(point, varied)
            once.setdefault((floors, *means, prompts), number)
    return [once[key] for key in sorted(once)]


def _thinned(places: Sequence[int]) -> list[int]:
    evenly = np.linspace(0, len(places) - 1, min(SHOWN, len(places))).round().astype(int)
    return [places[number] for number in evenly]


def _intervals(pool: Pool, means: Floats) -> dict[str, tuple[float, float] | None]:
    """The 95 % interval of each objective; None of too few prompts, or where the resamples do not differ."""
    few = min(np.bincount(pool.dataset)) < FEWEST
    return {
        name: None if few or not of_one.std() > NO_SPREAD else _ends(of_one)
        for name, of_one in zip(pool.objectives, means.T, strict=True)
        if not np.isnan(of_one).all()
    }


def _ends(resampled: Floats) -> tuple[float, float]:
    low, high = np.nanpercentile(resampled, [2.5, 97.5])
    return round(float(low), 6), round(float(high), 6)


def _step(pool: Pool, before: tuple[Figures, Floats], after: tuple[Figures, Floats], varied: Sequence[str]) -> Figures:
    """What changed from one point of the front to the next; `price` is what is lost per unit that the first gains."""
    change = {name: round(after[0]["means"][name] - before[0]["means"][name], 6) for name in varied}
    gained = change[varied[0]]
    return {
        "change": change,
        "intervals": {name: of for name, of in _intervals(pool, after[1] - before[1]).items() if name in varied},
        "price": {name: round(-change[name] / gained, 4) for name in varied[1:] if gained > 0},
        "prompts": after[0]["prompts"] - before[0]["prompts"],
    }
