"""Faster inference for sentence classifiers, with the same probabilities up to rounding.

On a CPU, oneDNN multiplies float32 matrices and applies GELU, as it does for bfloat16. A BERT-like classifier reads
only the first token, so the last layer computes only that one.
"""

from functools import partial
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention

from reset.judges.sentences.disentangled import SlicedAttention, slice_positions
from reset.model import onednn

PLAIN = frozenset({"bert", "roberta", "xlm-roberta", "electra"})  # model types with plain softmax attention
READ_AT_FIRST = PLAIN | {"deberta", "deberta-v2"}


def lighten(model: Any) -> None:
    """Apply all speed-ups that suit the model and its device; afterwards it can be neither saved nor copied."""
    slice_positions(model)
    keep_first_token(model)
    if onednn.multiplies(next(model.parameters())):
        onednn.lay_out(model)
        join_gelu(model)


def join_gelu(model: Any) -> None:
    """Fuse the GELU of an encoder's feed-forward layers into oneDNN's multiplication; other activations stay."""
    if getattr(model.config, "hidden_act", None) != "gelu":
        return
    for layer in model.modules():
        if hasattr(layer, "intermediate_act_fn"):
            layer.dense.forward = partial(onednn.linear, layer.dense, "gelu")
            layer.intermediate_act_fn = torch.nn.Identity()


def keep_first_token(model: Any) -> None:
    """Compute only the first token in the last layer, or after its attention, if the classifier reads no other one."""
    if model.config.model_type not in READ_AT_FIRST or model.config.num_hidden_layers == 1:  # DeBERTa's may convolve
        return
    attention = model.base_model.encoder.layer[-1].attention
    attention.output.register_forward_pre_hook(_first_tokens)
    if model.config.model_type in PLAIN:
        attention.self = FirstTokenAttention(attention.self)
    elif isinstance(attention.self, SlicedAttention):
        attention.self.queries = 1


def _first_tokens(_: torch.nn.Module, states: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    return tuple(state[:, :1] for state in states)  # (pairs, 1, width)


class FirstTokenAttention(torch.nn.Module):
    """Self-attention of the first token only: the output is (pairs, 1, width). No keys or values are computed.

    The one query of a head is multiplied by the key matrix instead, (K x) q = x (K^T q), and the weighted mean of the
    states by the value matrix. The key bias adds the same to every score, so the softmax cancels it. Computed in
    float32, because products with full states are larger than those with keys.
    """

    def __init__(self, attention: Any) -> None:
        super().__init__()
        self.query, self.scaling = attention.query, attention.scaling
        shape = attention.num_attention_heads, attention.attention_head_size, -1
        self.keys, self.values = (part.weight.detach().float().view(shape) for part in (attention.key, attention.value))
        self.bias = attention.value.bias.detach()

    def forward(self, states: torch.Tensor, attention_mask: torch.Tensor | None = None, **_: Any) -> tuple[Any, None]:
        """Replace a self-attention of transformers; the mask is (pairs, 1, tokens, tokens), boolean or additive."""
        query = self.query(states[:, 0]).float().unflatten(1, self.keys.shape[:2])
        query = torch.einsum("phs,hsw->phw", query, self.keys)[:, None]  # (pairs, 1, heads, width)
        tokens = states[:, None].float()  # (pairs, 1, tokens, width)
        mask = None if attention_mask is None else attention_mask[:, :, :1]
        if mask is not None and mask.is_floating_point():
            mask = mask.float()
        mixed = scaled_dot_product_attention(query, tokens, tokens, mask, scale=self.scaling)[:, 0]
        context = torch.einsum("phw,hsw->phs", mixed, self.values).flatten(1) + self.bias
        return context[:, None].to(states.dtype), None
