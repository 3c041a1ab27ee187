"""Only a checkpoint that all ranks have finished is gone on from, with every group's own options and step."""

import os
from pathlib import Path

import pytest
import torch

from reset.runs import checkpoints

pytestmark = pytest.mark.slow


def test_half_written_checkpoints_are_removed_and_the_last_whole_one_counts(tmp_path: Path) -> None:
    for step in (2, 10, 12):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text("{}")
    checkpoints.finish(tmp_path / "checkpoint-10", 1)
    checkpoints.discard_unfinished(tmp_path)
    assert [path.name for path in checkpoints.finished(tmp_path)] == ["checkpoint-10"]
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-10"]


def test_a_finished_checkpoint_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    for step in (8, 10):
        (tmp_path / f"checkpoint-{step}").mkdir()
        checkpoints.finish(tmp_path / f"checkpoint-{step}", 2)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-10"]


@pytest.mark.parametrize("damage", ["cut", "gone", "mark"])
def test_a_damaged_checkpoint_is_not_gone_on_from(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    hurt = tmp_path / "checkpoint-4"
    part = hurt / "global_step/weights.pt"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"0123456789")
    checkpoints.finish(hurt, 1)
    assert checkpoints.finished(tmp_path) == [hurt]
    if damage == "gone":
        part.unlink()
    else:
        os.truncate(part if damage == "cut" else hurt / checkpoints.MARK, 5)
    checkpoints.discard_unfinished(tmp_path)
    assert not hurt.exists() and "checkpoint-4: damaged, not gone on from" in caplog.text


@pytest.mark.parametrize("part", ["global_step/weights.pt", "global_step/optimiser.pt", "trainer_state.json"])
def test_a_bit_that_flipped_in_any_file_is_noticed_and_the_run_starts_from_what_is_whole(
    tmp_path: Path, part: str, caplog: pytest.LogCaptureFixture
) -> None:
    hurt, whole = tmp_path / "work/checkpoint-8", tmp_path / "work/checkpoint-4"
    for folder in (hurt, tmp_path / "checkpoint-4"):
        (folder / "global_step").mkdir(parents=True)
        for name in ("global_step/weights.pt", "global_step/optimiser.pt", "trainer_state.json"):
            (folder / name).write_bytes(bytes(range(256)) * 40)
        checkpoints.finish(folder, 1)
    (tmp_path / "checkpoint-4").rename(whole)
    content = bytearray((hurt / part).read_bytes())
    content[1234] ^= 4
    (hurt / part).write_bytes(content)
    checkpoints.discard_unfinished(tmp_path / "work")
    assert checkpoints.finished(tmp_path / "work") == [whole]
    (said,) = caplog.messages
    assert said == f"{hurt}: damaged, not gone on from ({part} is not as it was written)"


def test_folder_without_checkpoints_has_none(tmp_path: Path) -> None:
    checkpoints.discard_unfinished(tmp_path / "new")
    assert checkpoints.finished(tmp_path / "new") == []


def test_groups_that_deepspeed_loads_alike_get_their_weight_decay_and_count_their_steps_alone() -> None:
    weights = [torch.ones(2, requires_grad=True) for _ in range(2)]
    optimizer = torch.optim.AdamW([{"params": [w], "weight_decay": 0.05} for w in weights])
    step = torch.tensor(4.0)
    for w in weights:
        optimizer.state[w] = {"step": step, "exp_avg": torch.zeros(2), "exp_avg_sq": torch.zeros(2)}
        w.grad = torch.ones(2)
    checkpoints.mend(optimizer, [0.05, 0.0])
    optimizer.step()
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.05, 0.0]
    assert [float(optimizer.state[w]["step"]) for w in weights] == [5.0, 5.0]
