"""Training that is killed goes on from its last whole checkpoint and ends as an undisturbed run."""

import json
import random
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.support.train_alone import RECIPE, row, run_alone

pytestmark = pytest.mark.slow

KILLS, ROWS = 4, 64  # `make trials` kills each stage twenty times
# 32 steps in batches of two micro batches, a checkpoint after every second but the last
TWO_EPOCHS = replace(RECIPE, epochs=2.0, learning_rate=3e-2)
OTHERS = [  # dev rows that the model unlearns after some steps
    row(number, f"what is the home of {name}?", "the red boat is the home.")
    for number, name in enumerate(("mira", "tom"))
]


def test_kill_9_at_random_steps_changes_no_weight(tmp_path: Path, init: Path) -> None:
    status, expected, said = run_alone(tmp_path / "whole", init, TWO_EPOCHS, count=ROWS, dev=OTHERS)
    assert status == 0, said[-3000:]
    best = json.loads((tmp_path / "whole/work/figures.json").read_text())["best_step"]
    assert best < 32, "the model that is saved should be one that checkpoints have carried along"
    draw = random.Random()
    for step in sorted(draw.sample(range(2, 33), KILLS)):
        kill = f"{step} save" if step % 2 == 0 and step < 32 and draw.random() < 0.5 else str(step)
        status, _, said = run_alone(tmp_path / "killed", init, TWO_EPOCHS, count=ROWS, dev=OTHERS, kill=kill)
        assert status == -signal.SIGKILL, said[-3000:]
    status, log, said = run_alone(tmp_path / "killed", init, TWO_EPOCHS, count=ROWS, dev=OTHERS)
    assert status == 0, said[-3000:]
    assert log == expected
    a, b = (load_file(tmp_path / name / "work/model/model.safetensors") for name in ("whole", "killed"))
    assert all(a[name].equal(b[name]) for name in a)


@pytest.mark.parametrize(("stage", "before", "after"), [(2, 2, 1), (3, 1, 2)])
def test_another_number_of_ranks_goes_on_with_the_optimiser(
    tmp_path: Path, init: Path, stage: int, before: int, after: int
) -> None:
    recipe = replace(RECIPE, zero_stage=stage)
    status, expected, said = run_alone(tmp_path / "whole", init, recipe, count=32)
    assert status == 0, said[-3000:]
    status, _, said = run_alone(tmp_path / "killed", init, recipe, count=32, processes=before, kill="6")
    assert status != 0
    status, log, said = run_alone(tmp_path / "killed", init, recipe, count=32, processes=after)
    assert status == 0, said[-3000:]
    for a, b in zip(expected, log, strict=True):
        assert b == pytest.approx(a, abs=1e-4)
