"""Packed rows keep apart, or are refused."""

import pytest
import torch
from transformers import AutoModelForCausalLM
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from reset.errors import ResetError
from reset.training import packing, sft
from tests.support.families import FAMILIES

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]
APART = ["gpt_2", "llama_2", "qwen_3", "phi_3", "gemma_3", "gemma_3_images", "gemma_4_images", "mixtral", "pythia"]
LEAKING = ["mpt", "opt", "qwen_3_next", "qwen_3_5", "lfm_2", "granite_hybrid", "falcon_h1", "mamba", "mamba_2", "rwkv"]


def model(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    made: torch.nn.Module = AutoModelForCausalLM.from_config(FAMILIES[name].configuration(), dtype=torch.float32)
    return made


@pytest.mark.parametrize("name", APART)
def test_packed_losses_are_those_of_padded_rows_where_packing_is_allowed(name: str) -> None:
    made = model(name)
    packing.check(made)
    assert made.training
    rows = [{"input_ids": list(range(5, 5 + n)), "labels": list(range(5, 5 + n))} for n in (3, 12, 7)]
    with torch.no_grad():
        padded, targets, _ = sft.padded_losses(made.eval(), DataCollatorForLanguageModeling(pad_token_id=0)(rows))
        packed, _, _ = packing.packed_losses(made, packing.packing_collator(0)(rows))
    torch.testing.assert_close(packed.sum(dim=1), padded.sum(dim=1), atol=1e-3, rtol=0)
    assert (targets != -100).sum() == 19


@pytest.mark.parametrize("name", LEAKING)
def test_packing_is_refused_where_rows_would_read_one_another(name: str) -> None:
    with pytest.raises(
        ResetError, match=r"padding_free: packed rows read one another in a model of type .*; set it to"
    ):
        packing.check(model(name))
