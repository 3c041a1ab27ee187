"""Attention in float32 is the same attention, and in bfloat16 no further from float32 than the kernel it replaces."""

from typing import Any

import pytest
import torch

from reset.micro.model import language_model, word_tokenizer
from reset.training import attention

pytestmark = pytest.mark.slow


def outcome(dtype: torch.dtype, *, switched: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of two rows, the second one padded, and the gradient of their sum."""
    model: Any = language_model(word_tokenizer(64), layers=2, width=64, heads=2, max_tokens=64, seed=0).to(dtype)
    if switched:
        attention.in_float32(model)
    ids = torch.arange(5, 45).repeat(2, 1)  # (rows, tokens)
    mask = torch.ones_like(ids)
    mask[1, 25:] = 0
    logits = model(input_ids=ids, attention_mask=mask).logits.float()
    (logits * mask[..., None]).logsumexp(dim=-1).sum().backward()
    return logits[mask.bool()], model.model.layers[0].self_attn.q_proj.weight.grad.float()


def test_in_float32_nothing_changes(one_thread: None) -> None:
    for plain, switched in zip(
        outcome(torch.float32, switched=False), outcome(torch.float32, switched=True), strict=True
    ):
        torch.testing.assert_close(plain, switched)


@pytest.mark.parametrize("part", [0, 1], ids=["logits", "gradient"])
def test_in_bfloat16_it_is_as_near_to_float32_as_before(one_thread: None, part: int) -> None:
    exact = outcome(torch.float32, switched=False)[part]
    plain, switched = ((outcome(torch.bfloat16, switched=way)[part] - exact).norm() for way in (False, True))
    assert 0 < switched < 1.1 * plain


def test_model_is_saved_as_it_was(tmp_path: Any) -> None:
    model = language_model(word_tokenizer(64), layers=2, width=64, heads=2, max_tokens=64, seed=0)
    attention.in_float32(model)
    assert model.config._attn_implementation == attention.NAME
    model.save_pretrained(tmp_path)
    assert attention.NAME not in (tmp_path / "config.json").read_text()
