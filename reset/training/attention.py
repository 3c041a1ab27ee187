"""Attention for training in bfloat16: in float32 on a CPU, by FlashAttention for packed batches.

PyTorch's CPU kernel is slower in bfloat16 than in float32 on rows of about a hundred tokens, above all in the backward
pass. Sums in float32 are also more exact. `python -m benchmarks.train` compares whole training runs with TRL's.
"""

from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask
from transformers.utils.import_utils import is_flash_attn_2_available

NAME = "sdpa_in_float32"


def in_float32(model: PreTrainedModel) -> None:
    """Compute the attention of `model` in float32, if it is PyTorch's (sdpa); weights and saved files do not change."""
    AttentionInterface.register(NAME, _sdpa_in_float32)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    if model.config._attn_implementation == "sdpa":
        model.set_attn_implementation(NAME)


def use_flash_attention(model: PreTrainedModel) -> None:
    """Switch `model` to FlashAttention 2 (variable-length), when it is installed and supports the model.

    Otherwise a mask separates the rows of a packed batch, which costs attention scores between rows.
    """
    if is_flash_attn_2_available() and model._supports_flash_attn:
        model.set_attn_implementation("flash_attention_2")


def _sdpa_in_float32(
    module: torch.nn.Module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *args: Any, **kwargs: Any
) -> tuple[torch.Tensor, None]:
    dtype = query.dtype
    output, _ = sdpa_attention_forward(module, query.float(), key.float(), value.float(), *args, **kwargs)
    return output.to(dtype), None
