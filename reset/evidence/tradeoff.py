"""The trade-off of a judged pool before any training: mean objectives of its winners over weights and floors.

A point is the choice under one weighting and one set of floors. Its means are macro averages: over data sets, of the
mean over the winners of each. A point is beaten if another has as many prompts with a winner, is as good in all varied
objectives, and is better in one of these. The front is what no other point beats. Intervals are of 95 %, of a bootstrap
over the prompts of each data set; all points share its draws, so those of a step along the front are paired.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from reset import objectives as declared
from reset.choosing.candidates import Bars, Candidate, choose, thin
from reset.choosing.combining import Rule
from reset.choosing.effects import macro_means, sampled
from reset.choosing.judged_pool import Judged
from reset.errors import ResetError, nearest
from reset.evidence import weighings
from reset.evidence.front import Figures, Floors, Points, beaten, coordinates, front, mark
from reset.evidence.weighings import Floats, Pool
from reset.objectives import Objectives

TRIED = (0.25, 0.5, 0.75)  # floors of each varied objective, if none are asked for


@dataclass(frozen=True)
class Choice:
    """How a curated set chooses among the answers of a judged pool."""

    judged: Judged
    objectives: Objectives
    sweeps: int
    rating: str
    share: float
    bars: Bars
    rule: Rule
    seed: int
    without: Sequence[str] = ()  # verdicts of stand-ins, if these do not choose
    gold: bool = False  # whether references compete

    def candidates(self, weights: Mapping[str, float], bars: Bars) -> dict[str, list[Candidate]]:
        """Return the scored candidates under other `weights`, with the floors in `bars` alone."""
        weighed = {name: replace(one, weight=weights[name], floor=None) for name, one in self.objectives.items()}
        speakers = declared.by_task(weighed, self.rating, self.without)
        settings = {
            "speakers": speakers,
            "sweeps": self.sweeps,
            "gold": self.gold,
            "rule": self.rule,
            "seed": self.seed,
        }
        return self.judged.candidates(objectives=weighed, bars=bars, **settings)  # type: ignore[arg-type]

    def bars_of(self, floors: Floors) -> Bars:
        """Return what bars an answer, with other floors."""
        return replace(self.bars, floor=floors)

    def floors(self) -> dict[str, float]:
        """Return the floors that params.yaml sets."""
        return declared.floors(self.objectives, self.bars.floor)


def simplex(parts: int, least: int) -> Floats:
    """Return `least` or more ways (ways, parts) to share 1 among two or more parts, evenly spaced, with the corners."""
    steps = 1
    while (ways := _compositions(steps, parts)).shape[0] < least:
        steps += 1
    return ways / steps


def _compositions(total: int, parts: int) -> Floats:
    bars = np.array([*combinations(range(total + parts - 1), parts - 1)], dtype=np.int64)
    ends = np.full((len(bars), 1), total + parts - 1)
    edges = np.concatenate([np.full((len(bars), 1), -1), bars, ends], axis=1)
    return (np.diff(edges, axis=1) - 1).astype(np.float64)


def figures(
    choice: Choice, varied: Sequence[str], *, weightings: int, tried: Sequence[Floors], resamples: int
) -> Figures:
    """Return the points, the front with its steps, the present choice, a random one and the best of each objective.

    `varied` are the objectives whose weights vary; none: all that have a weight and meet another in some prompt.
    `tried` are floors besides those of params.yaml; none: TRIED of each varied objective. Raises `ResetError` for an
    unknown objective, and if there are not two to weigh against each other.
    """
    present = declared.weights(choice.objectives)
    candidates = choice.candidates(present, choice.bars_of(choice.floors()))
    meeting = met(candidates, present)
    varied = _varied(choice, varied, meeting)
    settings = [choice.floors(), *({**choice.floors(), **one} for one in tried or _tried(choice, varied))]
    groups = [*_groups(choice, varied, simplex(len(varied), weightings), settings)]
    shown = [*_points(groups, [*choice.objectives])]
    mark(shown, varied)
    return {
        "prompts": len(candidates),
        "varied": [*varied],
        "meet": {"|".join(pair): count for pair, count in sorted(meeting.items())},
        "chosen": _chosen(choice, candidates, shown, varied),
        "random": _of_free(sampled(candidates), lambda values: sum(values) / len(values)),
        "best": _of_free(candidates, max),
        "front": front(groups, shown, varied, resamples, choice.seed),
        "points": shown,
    }


def met(candidates: Mapping[str, Sequence[Candidate]], weights: Mapping[str, float]) -> dict[tuple[str, str], int]:
    """Return in how many prompts two objectives of a weight meet; where they never do, no weight trades them off."""
    counts: dict[tuple[str, str], int] = {}
    for answers in candidates.values():
        for pair in combinations([name for name in answers[0].values if weights[name]], 2):
            counts[pair] = counts.get(pair, 0) + 1
    return counts


def _varied(choice: Choice, asked: Sequence[str], meeting: Mapping[tuple[str, str], int]) -> list[str]:
    for name in asked:
        if name not in choice.objectives:
            raise ResetError(f"Unknown objective '{name}'. {nearest(name, choice.objectives)}")
    meets = {name for pair in meeting for name in pair}
    names = [name for name in choice.objectives if name in ({*asked} or meets)]
    if len(names) < 2:
        raise ResetError(
            f"There is nothing to trade off: of the objectives {', '.join(choice.objectives)}, "
            f"{', '.join(names) or 'none'} can be varied, and it takes two that have a weight in the same prompt"
        )
    return names


def _tried(choice: Choice, varied: Sequence[str]) -> list[Floors]:
    present = choice.floors()
    return [{name: floor} for name in varied for floor in TRIED if floor > present.get(name, 0.0)]


def _groups(choice: Choice, varied: Sequence[str], shares: Floats, settings: Sequence[Floors]) -> Iterator[Points]:
    """Choose under every weighting and all floors; weightings with the same zeros go together."""
    names, present = [*choice.objectives], declared.weights(choice.objectives)
    total = sum(present[name] for name in varied) or 1.0
    weights = np.tile([present[name] for name in names], (len(shares), 1))
    weights[:, [names.index(name) for name in varied]] = shares * total
    patterns = sorted({tuple(row) for row in (weights > 0).tolist()}, reverse=True)
    pools = {pattern: _pool(choice, names, pattern) for pattern in patterns}
    for floors in settings:
        for pattern, pool in pools.items():
            own = weights[((weights > 0) == pattern).all(axis=1)]
            values = weighings.winners(pool, own, floors, choice.rule.combine, choice.share)
            yield Points(pool, floors, own, values, weighings.means(pool, values[..., :-1]))


def _pool(choice: Choice, names: Sequence[str], pattern: Sequence[bool]) -> Pool:
    counted = {name: float(on) for name, on in zip(names, pattern, strict=True)}
    bars = replace(choice.bars_of({}), near_identical=None)  # which answer is the better one depends on weights
    candidates = choice.candidates(counted, bars)
    return weighings.arranged(candidates, names, [name for name in names if counted[name]], choice.rule, choice.seed)


def _points(groups: Sequence[Points], names: Sequence[str]) -> Iterator[Figures]:
    for group in groups:
        prompts = np.nansum(group.values[..., -1], axis=0)
        for place, weights in enumerate(group.weights):
            yield {
                "weights": {name: round(float(weight), 6) for name, weight in zip(names, weights, strict=True)},
                "floors": dict(group.floors),
                "prompts": int(prompts[place]),
                "means": _named(names, group.means[place]),
            }


def _named(names: Sequence[str], values: Floats) -> dict[str, float]:
    """The values by name, without those that are NaN."""
    return {name: round(float(value), 6) for name, value in zip(names, values, strict=True) if value == value}


def _chosen(
    choice: Choice, candidates: Mapping[str, list[Candidate]], points: Sequence[Figures], varied: Sequence[str]
) -> Figures:
    """The point that params.yaml chooses, by the code of stage `select`."""
    found = {example_id: choose(answers, "best", choice.seed) for example_id, answers in candidates.items()}
    winners = {example_id: winner for example_id, winner in found.items() if winner is not None}
    kept = thin(winners, choice.share, "best", choice.seed)
    means = macro_means(winner for example_id, winner in winners.items() if example_id in kept)
    point = {
        "weights": declared.weights(choice.objectives),
        "floors": choice.floors(),
        "prompts": len(kept),
        "means": means,
    }
    own = np.array(coordinates(point, varied))
    rows = np.array([coordinates(other, varied) for other in points])
    return {**point, "front": not beaten(own, rows)}


def _of_free(
    candidates: Mapping[str, Sequence[Candidate]], take: Callable[[Sequence[float]], float]
) -> dict[str, float]:
    """Macro averages of what `take` makes of the values of the answers to each prompt that can win."""
    taken = []
    for answers in candidates.values():
        free = [one for one in answers if one.can_win]
        values = {
            name: take(known)
            for name in (free[0].values if free else ())
            if (known := [value for one in free if (value := one.values[name]) is not None])
        }
        if free:
            taken.append(replace(free[0], values=values))
    return macro_means(taken)
