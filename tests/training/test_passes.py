"""A micro batch in several passes trains what it trains in one, and no pass is larger than asked."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from reset.training import packing, passes
from tests.support.train_alone import RECIPE, run_alone

pytestmark = pytest.mark.slow

ROWS = [{"input_ids": list(range(5, 5 + n)), "labels": [-100] * (n - 2) + [7, 2]} for n in (4, 5, 9, 6, 12, 3)]


@pytest.mark.parametrize(("most", "expected"), [(1, 6), (12, 5), (24, 3), (1000, 1)])
def test_rows_are_divided_into_as_few_passes_as_their_tokens_allow(most: int, expected: int) -> None:
    lengths = [len(row["input_ids"]) for row in ROWS]
    for packed in (False, True):
        groups = passes.grouped(lengths, most, packed=packed)
        assert [row for group in groups for row in group] == list(range(6))
        for group in groups:
            own = [lengths[row] for row in group]
            assert len(own) == 1 or (sum(own) if packed else max(own) * len(own)) <= most
    assert len(passes.grouped(lengths, most, packed=False)) == expected


def test_ranks_with_fewer_passes_divide_theirs_further() -> None:
    assert passes.divided([range(4), range(4, 5)], 4) == [range(1), range(1, 2), range(2, 4), range(4, 5)]
    assert passes.divided([range(2)], 3) == [range(1), range(1, 2)]


@pytest.mark.parametrize("packed", [False, True])
def test_a_part_is_what_its_rows_would_be_alone(packed: bool) -> None:
    collate = packing.packing_collator(0) if packed else DataCollatorForLanguageModeling(pad_token_id=0)
    found, alone = passes.part(collate(ROWS), range(1, 4)), collate(ROWS[1:4])
    assert found.keys() == alone.keys() - {"seq_idx"}  # which no loss reads
    for name, value in found.items():
        assert torch.equal(torch.as_tensor(value), torch.as_tensor(alone[name])), name
    assert passes.row_lengths(found) == [5, 9, 6]


@pytest.mark.parametrize(("loss", "processes", "zero_stage"), [("sequence", 1, 0), ("token", 2, 3)])
def test_training_in_passes_learns_what_whole_micro_batches_learn(
    tmp_path: Path, init: Path, loss: str, processes: int, zero_stage: int
) -> None:
    recipe = replace(RECIPE, loss=loss, zero_stage=zero_stage)
    logs = []
    for most in (None, 40):
        run = replace(recipe, micro_batch_tokens=most)
        _, log, said = run_alone(tmp_path / str(most), init, run, processes=processes)
        assert log, said[-3000:]
        logs.append(log)
    for whole, divided in zip(*logs, strict=True):
        assert divided == pytest.approx(whole, abs=1e-3)
