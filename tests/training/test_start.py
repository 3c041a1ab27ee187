"""Under ZeRO-3 no rank holds the whole model while it is loaded."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from reset.micro.model import language_model, word_tokenizer
from tests.support.load_alone import load
from tests.support.train_alone import RECIPE

pytestmark = pytest.mark.slow


def test_two_ranks_of_zero_3_hold_half_of_the_model_each(tmp_path: Path) -> None:
    tokenizer = word_tokenizer(64)
    model = language_model(tokenizer, layers=16, width=512, heads=8, max_tokens=64, seed=0)
    model.to(torch.bfloat16).save_pretrained(tmp_path / "init")  # as it is published; float32 would only be mapped
    tokenizer.save_pretrained(tmp_path / "init")
    whole = sum(one.numel() for one in model.parameters()) * torch.float32.itemsize
    before, after = (
        load(tmp_path / "init", replace(RECIPE, zero_stage=stage, dtype="bfloat16"), 2) for stage in (2, 3)
    )
    print(f"whole {whole:,}; ZeRO-2 {before}, ZeRO-3 {after}")
    assert min(rank["bytes"] for rank in before) > 0.9 * whole
    assert max(rank["bytes"] for rank in after) < 0.7 * whole
    for rank in after:  # what the model computes for itself, such as rotary frequencies, is not rounded
        assert (rank["weights"], rank["buffers"]) == (["torch.bfloat16"], ["torch.float32"])
