"""Stop a diverged training run: its loss or gradient is NaN or infinite, or its loss has risen too far.

Too far: the mean loss of the last `window` steps is more than `rise` nats above the lowest such mean so far. A rise of
2 nats divides the geometric mean of the token probabilities by about 7 (e^2); over 20 steps, the order of the batches
alone does not do that.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reset.errors import ResetError


@dataclass(frozen=True)
class Limits:
    """`train.max_loss_rise` and `train.loss_window`."""

    rise: float  # nats
    window: int  # steps


class Watch:
    """Checks one step after the other; `rows` returns the ids of the rows in a step, counted from 0."""

    def __init__(self, limits: Limits, rows: Callable[[int], Sequence[str]]) -> None:
        self._limits, self._rows, self._lowest = limits, rows, math.inf
        self._losses: deque[float] = deque(maxlen=limits.window)

    def loss(self, step: int, loss: float) -> None:
        """Raise `ResetError` if the loss of `step`, counted from 1, shows that the run has diverged."""
        if not math.isfinite(loss):
            self._stop(step, f"its loss is {loss}")
        self._losses.append(loss)
        if len(self._losses) < self._limits.window:
            return
        mean = sum(self._losses) / self._limits.window
        self._lowest = min(self._lowest, mean)
        if mean > self._lowest + self._limits.rise:
            excess = f"more than {self._limits.rise} above the lowest so far, {self._lowest:.3f}"
            self._stop(
                step, f"the mean loss of {self._limits.window} steps is {mean:.3f}, {excess} (train.max_loss_rise)"
            )

    def gradient(self, step: int, norm: float) -> None:
        """Raise `ResetError` if the gradient norm of `step` is NaN or infinite."""
        if not math.isfinite(norm):
            self._stop(step, f"its gradient norm is {norm}")

    def _stop(self, step: int, problem: str) -> None:
        rows = ", ".join(self._rows(step - 1))
        raise ResetError(f"training stopped at step {step}: {problem}; its batch: {rows}")
