"""Attention of a model that trains in bfloat16: in float32 on a CPU, by FlashAttention where it is asked for.

PyTorch's CPU kernel is slower in bfloat16 than in float32 on rows of about a hundred tokens, backwards above all; sums
are more exact besides. `python -m benchmarks.train` holds the whole of training against TRL's.
"""

from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask
from transformers.utils.import_utils import is_flash_attn_2_available

NAME = "sdpa_in_float32"


def in_float32(model: PreTrainedModel) -> None:
    """Switch `model` over, if its attention is PyTorch's; weights, and what is saved, stay as they are."""
    AttentionInterface.register(NAME, _forward)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    if model.config._attn_implementation == "sdpa":
        model.set_attn_implementation(NAME)


def of_any_length(model: PreTrainedModel) -> None:
    """Switch `model` over to FlashAttention 2, which takes rows behind one another, if that is installed and serves it.

    Elsewhere a mask keeps the rows apart, and the tokens of the others are computed and thrown away.
    """
    if is_flash_attn_2_available() and model._supports_flash_attn:
        model.set_attn_implementation("flash_attention_2")


def _forward(
    module: torch.nn.Module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *args: Any, **kwargs: Any
) -> tuple[torch.Tensor, None]:
    dtype = query.dtype
    output, _ = sdpa_attention_forward(module, query.float(), key.float(), value.float(), *args, **kwargs)
    return output.to(dtype), None
