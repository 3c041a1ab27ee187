"""Attention of many answers to one prompt: the prompt's keys and values are held once and read once for all of them.

An answer's attention over its prompt and over its own tokens are computed apart and joined by their softmax sums
(Juravsky et al. 2024, "Hydragen"): one softmax over both, up to rounding.
"""

from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface, DynamicCache
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from reset.engines.transformers.cache import RoomyLayer, roomy_cache

NAME = "shared_prompts"
Part = tuple[torch.Tensor, torch.Tensor]  # keys and values
PLAIN = frozenset({"llama", "mistral", "qwen2", "qwen3"})  # whose attention is a softmax and nothing more


class SharedPrompts:
    """What a batch's rows have in common; `index` says, in rising order, which prompt each row answers."""

    def __init__(self, cache: DynamicCache, mask: torch.Tensor, index: torch.Tensor) -> None:
        held: list[Any] = cache.layers
        self.layers: list[Part] = [(one.keys, one.values) for one in held]  # each (prompts, heads, tokens, width)
        empty = torch.zeros(mask.shape, device=mask.device).masked_fill(mask == 0, -torch.inf)
        self.bias = empty[:, None, None, :]  # (prompts, 1, 1, tokens)
        self._place(index)

    def select(self, rows: torch.Tensor) -> None:
        """Keep the rows `rows`, in their order, and the prompts that they answer."""
        used, index = torch.unique(self._index[rows], return_inverse=True)
        if len(used) < len(self.bias):
            self.layers = [(keys[used], values[used]) for keys, values in self.layers]
            self.bias = self.bias[used]
        self._place(index)

    def _place(self, index: torch.Tensor) -> None:
        """Give each row a slot among `self._most` of its prompt."""
        counts = index.bincount(minlength=len(self.bias))
        self._index, self._most = index, int(counts.max())
        nth = torch.arange(len(index), device=index.device) - (counts.cumsum(0) - counts)[index]
        self._slots = index * self._most + nth

    def group(self, rows: torch.Tensor) -> torch.Tensor:
        """Put rows that answer one prompt beside each other.

        Shapes: (rows, heads, n, width) -> (prompts, heads, most * n, width).
        """
        heads, n, width = rows.shape[1:]
        spread = rows.new_zeros(len(self.bias) * self._most, heads, n, width)
        spread[self._slots] = rows
        return spread.view(-1, self._most, heads, n, width).transpose(1, 2).reshape(-1, heads, self._most * n, width)

    def ungroup(self, grouped: torch.Tensor) -> torch.Tensor:
        """Undo `group`."""
        prompts, heads, _, width = grouped.shape
        apart = grouped.view(prompts, heads, self._most, -1, width).transpose(1, 2)
        return apart.reshape(prompts * self._most, heads, -1, width)[self._slots]


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
    """Attention in the form that transformers asks for; with `shared`, of one new token per row to all before it.

    Shapes: query (rows, heads, 1, width), key and value (rows, key heads, own tokens, width).
    """
    if shared is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **kwargs)
    rows, heads, _, width = query.shape
    own = query.reshape(rows, key.shape[1], heads // key.shape[1], width) * (scaling or width**-0.5)
    keys, values = shared.layers[module.layer_idx]  # type: ignore[index]
    prompt = [shared.ungroup(part) for part in _part(shared.group(own), keys, values, shared.bias)]
    answer = _part(own, key, value)
    top = torch.maximum(prompt[1], answer[1])
    scales = [(part[1] - top).exp() for part in (prompt, answer)]
    total = prompt[2] * scales[0] + answer[2] * scales[1]
    joined = (prompt[0] * scales[0] + answer[0] * scales[1]) / total
    return joined.to(query.dtype).reshape(rows, 1, heads, width), None


def _part(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, bias: torch.Tensor | float = 0.0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Weighted values, largest score, and sum of the weights relative to it."""
    scores = (query @ keys.transpose(-1, -2)).float() + bias
    top = scores.amax(dim=-1, keepdim=True)
    weights = (scores - top).exp()
    return (weights.to(values.dtype) @ values).float(), top, weights.sum(dim=-1, keepdim=True)


def share_prompts(model: Any) -> bool:
    """Let `model` attend to shared prompts; False where its attention is not known to be plain, or has a window."""
    layers = roomy_cache(model.config).layers
    if model.config.model_type not in PLAIN or not all(type(layer) is RoomyLayer for layer in layers):
        return False
    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.set_attn_implementation(NAME)
    return True
