"""Shortcuts through a sentence classifier: its probabilities stay as they are, but for rounding.

On a CPU oneDNN multiplies the float32 matrices, GELU included, as it does bfloat16 ones; MKL, which torch would ask,
takes no AVX-512 on processors of other makers than Intel. An encoder of BERT's kind is read at its first token: of the
last layer only that token is computed.
"""

from functools import partial
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention

PLAIN = frozenset({"bert", "roberta", "xlm-roberta", "electra"})  # `model_type`; attention by queries and keys alone
READ_AT_FIRST = PLAIN | {"deberta", "deberta-v2"}


def lighten(model: Any) -> None:
    """Take all shortcuts that the model's device and kind allow; weights can be neither saved nor copied after it."""
    keep_first_token(model)
    there = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]  # oneDNN; not on every Mac
    if there and model.device.type == "cpu":
        multiply_by_onednn(model)
        join_gelu(model)


def multiply_by_onednn(model: torch.nn.Module) -> None:
    """Let oneDNN multiply in the linear layers of a float32 model on a CPU; with MKL they take twice the time on AMD.

    The operation is the one that torch's compiler puts there, and weights are laid out for it once. Sums are taken in
    another order: results differ by rounding.
    """
    for layer in model.modules():
        if type(layer) is torch.nn.Linear:
            laid_out = torch.ops.mkldnn._reorder_linear_weight(layer.weight)
            layer.weight = torch.nn.Parameter(laid_out, requires_grad=False)
            layer.forward = partial(_linear, layer, "none")  # type: ignore[method-assign]


def join_gelu(model: Any) -> None:
    """Let oneDNN apply the GELU of an encoder's feed-forward layers to what it multiplies; others stay as they are."""
    if getattr(model.config, "hidden_act", None) != "gelu":
        return
    for layer in model.modules():
        if hasattr(layer, "intermediate_act_fn"):
            layer.dense.forward = partial(_linear, layer.dense, "gelu")
            layer.intermediate_act_fn = torch.nn.Identity()


def keep_first_token(model: Any) -> None:
    """Drop all tokens but the first, in or behind the last layer's attention, where the classifier reads no other."""
    if model.config.model_type not in READ_AT_FIRST or model.config.num_hidden_layers == 1:  # DeBERTa's may convolve
        return
    attention = model.base_model.encoder.layer[-1].attention
    attention.output.register_forward_pre_hook(_first)
    if model.config.model_type in PLAIN:
        attention.self = FirstTokenAttention(attention.self)


def _first(_: torch.nn.Module, states: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    return tuple(state[:, :1] for state in states)  # (pairs, 1, width)


class FirstTokenAttention(torch.nn.Module):
    """What a layer's attention gives its first token, (pairs, 1, width); no key or value of a token is computed.

    A head's only query goes through the key matrix to the states, (K x) q = x (K^T q), and the mixed states through the
    value matrix. The bias of the keys adds the same to each token and falls out of the softmax. In float32, as products
    with whole states are larger than those with keys.
    """

    def __init__(self, attention: Any) -> None:
        super().__init__()
        self.query, self.scaling = attention.query, attention.scaling
        shape = attention.num_attention_heads, attention.attention_head_size, -1
        self.keys, self.values = (one.weight.detach().float().view(shape) for one in (attention.key, attention.value))
        self.bias = attention.value.bias.detach()

    def forward(self, states: torch.Tensor, attention_mask: torch.Tensor | None = None, **_: Any) -> tuple[Any, None]:
        """Take the place of a self-attention of transformers; the mask is (pairs, 1, tokens, tokens), bool or added."""
        query = self.query(states[:, 0]).float().unflatten(1, self.keys.shape[:2])
        query = torch.einsum("phs,hsw->phw", query, self.keys)[:, None]  # the heads take the place of the queries
        each = states[:, None].float()
        mask = None if attention_mask is None else attention_mask[:, :, :1]
        if mask is not None and mask.is_floating_point():
            mask = mask.float()
        mixed = scaled_dot_product_attention(query, each, each, mask, scale=self.scaling)[:, 0]
        context = torch.einsum("phw,hsw->phs", mixed, self.values).flatten(1) + self.bias
        return context[:, None].to(states.dtype), None


def _linear(layer: torch.nn.Linear, then: str, inputs: torch.Tensor) -> torch.Tensor:
    how = "none" if then == "gelu" else ""  # GELU by the error function, not by tanh
    product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(inputs, layer.weight, layer.bias, then, [], how)
    return product
