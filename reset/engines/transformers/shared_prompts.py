"""Attention of many answers to one prompt: the prompt's keys and values are stored once and read once for all of them.

Attention over the prompt and over the answer's own tokens are computed separately and combined by their softmax sums
(Juravsky et al. 2024, "Hydragen"). The result is that of one softmax over both, up to rounding.
"""

from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface, DynamicCache
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from reset.engines.transformers.cache import RoomyLayer, roomy_cache

NAME = "shared_prompts"
Part = tuple[torch.Tensor, torch.Tensor]  # keys and values
PLAIN = frozenset({"llama", "mistral", "qwen2", "qwen3"})  # model types with plain softmax attention


class SharedPrompts:
    """Keys and values of a batch's distinct prompts; `index` is each row's prompt number, ascending."""

    def __init__(self, cache: DynamicCache, mask: torch.Tensor, index: torch.Tensor) -> None:
        layers: list[Any] = cache.layers
        self.layers: list[Part] = [(layer.keys, layer.values) for layer in layers]  # (prompts, heads, tokens, width)
        bias = torch.zeros(mask.shape, device=mask.device).masked_fill(mask == 0, -torch.inf)
        self.bias = bias[:, None, None, :]  # (prompts, 1, 1, tokens); -inf at padding
        self._assign_slots(index)

    def select(self, rows: torch.Tensor) -> None:
        """Keep `rows`, in that order, and the prompts that they answer."""
        used, index = torch.unique(self._index[rows], return_inverse=True)
        if len(used) < len(self.bias):
            self.layers = [(keys[used], values[used]) for keys, values in self.layers]
            self.bias = self.bias[used]
        self._assign_slots(index)

    def _assign_slots(self, index: torch.Tensor) -> None:
        """Give each row a slot of its prompt; every prompt has as many slots as the largest group of rows needs."""
        counts = index.bincount(minlength=len(self.bias))
        self._index, self._slots_per_prompt = index, int(counts.max())
        nth = torch.arange(len(index), device=index.device) - (counts.cumsum(0) - counts)[index]
        self._slots = index * self._slots_per_prompt + nth

    def group(self, rows: torch.Tensor) -> torch.Tensor:
        """Group rows by prompt, with zeros in unused slots.

        Shapes: (rows, heads, n, width) -> (prompts, heads, slots * n, width).
        """
        heads, n, width = rows.shape[1:]
        grouped = rows.new_zeros(len(self.bias) * self._slots_per_prompt, heads, n, width)
        grouped[self._slots] = rows
        grouped = grouped.view(-1, self._slots_per_prompt, heads, n, width).transpose(1, 2)
        return grouped.reshape(-1, heads, self._slots_per_prompt * n, width)

    def ungroup(self, grouped: torch.Tensor) -> torch.Tensor:
        """Undo `group`."""
        prompts, heads, _, width = grouped.shape
        separate = grouped.view(prompts, heads, self._slots_per_prompt, -1, width).transpose(1, 2)
        return separate.reshape(prompts * self._slots_per_prompt, heads, -1, width)[self._slots]


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    shared: SharedPrompts | None = None,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """Attention with the interface of transformers; with `shared`, from one new token per row to prompt and answer.

    Shapes: query (rows, heads, 1, width), key and value (rows, key heads, own tokens, width).
    """
    if shared is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **kwargs)
    rows, heads, _, width = query.shape
    own = query.reshape(rows, key.shape[1], heads // key.shape[1], width) * (scaling or width**-0.5)
    keys, values = shared.layers[module.layer_idx]  # type: ignore[index]
    prompt = [shared.ungroup(part) for part in _partial_attention(shared.group(own), keys, values, shared.bias)]
    answer = _partial_attention(own, key, value)
    largest = torch.maximum(prompt[1], answer[1])
    scales = [(part[1] - largest).exp() for part in (prompt, answer)]
    total = prompt[2] * scales[0] + answer[2] * scales[1]
    combined = (prompt[0] * scales[0] + answer[0] * scales[1]) / total
    return combined.to(query.dtype).reshape(rows, 1, heads, width), None


def _partial_attention(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, bias: torch.Tensor | float = 0.0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the unnormalised sum of values, the largest score, and the sum of the weights exp(score - largest)."""
    scores = (query @ keys.transpose(-1, -2)).float() + bias
    largest = scores.amax(dim=-1, keepdim=True)
    weights = (scores - largest).exp()
    return (weights.to(values.dtype) @ values).float(), largest, weights.sum(dim=-1, keepdim=True)


def share_prompts(model: Any) -> bool:
    """Switch `model` to attention over shared prompts; return False if its attention is not plain, or has a window."""
    layers = roomy_cache(model.config).layers
    if model.config.model_type not in PLAIN or not all(type(layer) is RoomyLayer for layer in layers):
        return False
    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.set_attn_implementation(NAME)
    return True
