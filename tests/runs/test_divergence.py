"""A run is lost when its loss is no number, or has risen for good; noise and a bad batch do not stop it."""

import random

import pytest

from reset.errors import ResetError
from reset.runs.divergence import Limits, Watch


def watch(rise: float = 2.0, window: int = 20) -> Watch:
    return Watch(Limits(rise, window), lambda step: [f"nq/train/{step}", f"nq/train/{step + 1}"])


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_loss_that_is_no_number_stops_at_once_with_the_step_and_its_rows(loss: float) -> None:
    seen = watch()
    seen.loss(1, 3.0)
    with pytest.raises(ResetError, match=f"stopped at step 2: its loss is {loss}; its batch: nq/train/1, nq/train/2$"):
        seen.loss(2, loss)


def test_gradient_that_is_no_number_stops_too() -> None:
    watch().gradient(1, 12.0)
    with pytest.raises(ResetError, match="stopped at step 2: its gradient norm is nan; its batch: nq/train/1"):
        watch().gradient(2, float("nan"))


def test_loss_that_rises_for_good_stops_where_its_mean_passes_the_limit() -> None:
    seen = watch(rise=2.0, window=4)
    for step in range(1, 11):
        seen.loss(step, 1.0)
    seen.loss(11, 4.0)
    seen.loss(12, 4.0)
    with pytest.raises(
        ResetError, match=r"step 13: the mean loss of 4 steps is 3\.250, more than 2\.0 above the lowest"
    ):
        seen.loss(13, 4.0)


def test_one_bad_batch_and_noise_stop_nothing() -> None:
    draw, seen = random.Random(0), watch()
    for step in range(1, 1000):
        seen.loss(step, 20.0 if step % 100 == 0 else draw.gauss(2.0, 1.0))


def test_loss_that_starts_high_and_falls_stops_nothing() -> None:
    seen = watch(rise=0.1, window=2)
    for step in range(1, 50):
        seen.loss(step, 10.0 / step)
