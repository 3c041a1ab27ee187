"""When a training run is lost: a loss or gradient that is no number, or a loss that has risen for good.

The rule: the mean loss of the last `window` steps is more than `rise` nats above the lowest such mean before. At 2 nats
the model has become seven times less sure of every token; no order of batches does that to a mean of 20 steps.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reset.errors import ResetError


@dataclass(frozen=True)
class Limits:
    """`train.max_loss_rise`, in nats, and `train.loss_window`, in steps."""

    rise: float
    window: int


class Watch:
    """Sees one step after the other; `rows` names those of a step, counted from 0."""

    def __init__(self, limits: Limits, rows: Callable[[int], Sequence[str]]) -> None:
        self._limits, self._rows, self._lowest = limits, rows, math.inf
        self._losses: deque[float] = deque(maxlen=limits.window)

    def loss(self, step: int, loss: float) -> None:
        """Raise `ResetError` if the loss of `step`, counted from 1, says that the run is lost."""
        if not math.isfinite(loss):
            self._stop(step, f"its loss is {loss}")
        self._losses.append(loss)
        if len(self._losses) < self._limits.window:
            return
        mean = sum(self._losses) / self._limits.window
        self._lowest = min(self._lowest, mean)
        if mean > self._lowest + self._limits.rise:
            much = f"more than {self._limits.rise} above the lowest so far, {self._lowest:.3f}"
            self._stop(
                step, f"the mean loss of {self._limits.window} steps is {mean:.3f}, {much} (train.max_loss_rise)"
            )

    def gradient(self, step: int, norm: float) -> None:
        """Raise `ResetError` if the norm of the gradient of `step` is no number."""
        if not math.isfinite(norm):
            self._stop(step, f"the norm of its gradient is {norm}")

    def _stop(self, step: int, problem: str) -> None:
        rows = ", ".join(self._rows(step - 1))
        raise ResetError(f"training stopped at step {step}: {problem}; its batch: {rows}")
