"""Seconds that a stage takes: by the last runs of its kind here, else by the plan, else by the committed run.

The committed run is that of benchmarks/results/stages.json (`python -m benchmarks.stages`). It ran on another machine:
once stages have run here, its seconds are multiplied by how much longer those took than there.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reset.status.left import Work
from reset.status.pipeline import Stage

COMMITTED = Path("benchmarks/results/stages.json")
Basis = Literal["last runs", "plan", "committed run"]


@dataclass(frozen=True)
class Estimate:
    """Seconds, and what they rest on."""

    seconds: float
    basis: Basis


class Measured:
    """What stages have taken in some run: of each its seconds, of each group seconds for so much work."""

    def __init__(self, work: Work, stages: Mapping[str, Stage], seconds: Mapping[str, float]) -> None:
        self._work = work
        self.seconds = {name: seconds[name] for name in stages.keys() & seconds.keys()}
        self._taken, self._done = defaultdict[str, float](float), defaultdict[str, float](float)
        self._planned = defaultdict[str, float](float)
        for name, taken in self.seconds.items():
            if amount := work.of(stages[name]):
                group, planned = work.group(stages[name]), work.planned(stages[name])
                self._taken[group] += taken
                self._done[group] += amount
                self._planned[group] += planned or 0.0

    def of(self, stage: Stage) -> float | None:
        """Return the seconds that a stage would have taken in that run; None if no stage of its group was in it."""
        group, planned, amount = self._work.group(stage), self._work.planned(stage), self._work.of(stage)
        if stage.name in self.seconds and (amount is None or not self._work.has_size(stage)):
            return self.seconds[stage.name]
        if group not in self._taken:
            return None
        if planned and self._planned[group]:
            return planned * self._taken[group] / self._planned[group]
        return None if amount is None else amount * self._taken[group] / self._done[group]


class Pace:
    """What stages take, by the best figure that there is."""

    def __init__(
        self, work: Work, stages: Mapping[str, Stage], here: Mapping[str, float], committed: Mapping[str, float]
    ) -> None:
        self._work = work
        self._here, self._committed = Measured(work, stages, here), Measured(work, stages, committed)
        both = self._here.seconds.keys() & self._committed.seconds.keys()
        there = sum(self._committed.seconds[name] for name in both)
        self._slower = sum(self._here.seconds[name] for name in both) / there if there else 1.0

    def of(self, stage: Stage) -> Estimate | None:
        """Return what a stage takes; None if nothing tells."""
        if (here := self._here.of(stage)) is not None:
            return Estimate(here, "last runs")
        if (planned := self._work.planned(stage)) is not None:
            return Estimate(planned, "plan")
        there = self._committed.of(stage)
        return None if there is None else Estimate(there * self._slower, "committed run")


def committed(root: Path, scale: str) -> dict[str, float]:
    """Return the seconds of each stage of the committed run; none if that was of another scale."""
    path = root / COMMITTED
    content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return dict(content["seconds"]) if content.get("scale") == scale else {}
