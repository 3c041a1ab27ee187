"""Disentangled attention of DeBERTa-v2 and -v3 (He et al. 2021, arXiv 2006.03654, section 3.1), with less work.

transformers' `DisentangledSelfAttention` projects all relative positions (512 in DeBERTa-v3) in each layer of each
batch, multiplies each token by all of them, and gathers what it needs. But the weights are fixed at inference, so here
they are projected once; and tokens of a row of n are at most n - 1 apart, so only 2 n - 1 positions are multiplied. Of
these products the score of query i and key j is at i - j, which is a view with other strides.
"""

import copy
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention

from reset.model import onednn
from reset.runs.lean_imports import without

with without("scipy", "sklearn"):
    from transformers.models.deberta_v2 import modeling_deberta_v2 as known

Scores = tuple[torch.Tensor, None]
PROBE = 2, 150  # rows, tokens: more than the 128 positions that have a bucket of their own
MAX_CHANGE = 1e-5


def slice_positions(model: Any) -> None:
    """Replace the attention of a DeBERTa-v2 or -v3 that classifies; any other model stays as it is.

    So does one whose attention gives other numbers than the replacement, by more than `MAX_CHANGE`.
    """
    if type(model) is not known.DebertaV2ForSequenceClassification or not model.config.relative_attention:
        return
    encoder: Any = model.deberta.encoder
    layers = [layer.attention for layer in encoder.layer]
    if any(type(layer.self) is not known.DisentangledSelfAttention or not _kinds(layer.self) for layer in layers):
        return
    with torch.inference_mode():
        positions = encoder.get_rel_embedding()
        replacements = [SlicedAttention(layer.self, positions) for layer in layers]
        if _change(layers[0].self, positions) > MAX_CHANGE:
            return
    for layer, replacement in zip(layers, replacements, strict=True):
        layer.self = replacement
    encoder.get_rel_embedding = encoder.get_rel_pos = lambda *_: None  # the layers have their own
    encoder.get_attention_mask = lambda mask: mask


class SlicedAttention(torch.nn.Module):
    """Self-attention with relative positions `positions` (positions, width); `queries` are the first so many tokens."""

    queries: int | None = None  # None: all

    def __init__(self, attention: Any, positions: torch.Tensor) -> None:
        super().__init__()
        self.query_proj, self.key_proj, self.value_proj = attention.query_proj, attention.key_proj, attention.value_proj
        self.shape = attention.num_attention_heads, attention.attention_head_size
        kinds = _kinds(attention)
        self.scale = (self.shape[1] * (1 + len(kinds))) ** -0.5
        self.span = attention.pos_ebd_size
        projected = {kind: _projection(attention, kind)(positions[: 2 * self.span]) * self.scale for kind in kinds}
        self.tables = {
            kind: self._heads(rows).transpose(0, 1) for kind, rows in projected.items()
        }  # (heads, rows, ...)
        self.buckets = attention.position_buckets, attention.max_relative_positions

    def forward(self, hidden_states: torch.Tensor, attention_mask: torch.Tensor, *_: Any, **__: Any) -> Scores:
        """Replace transformers' attention; the mask is (pairs, tokens)."""
        queries = self._heads(self.query_proj(hidden_states[:, : self.queries]))
        keys, values = (self._heads(of(hidden_states)) for of in (self.key_proj, self.value_proj))
        bias = self._bias(queries, keys).masked_fill_(attention_mask[:, None, None] == 0, -torch.inf)
        query, key, value = (part.transpose(1, 2) for part in (queries, keys, values))  # (pairs, heads, tokens, width)
        context = scaled_dot_product_attention(query, key, value, attn_mask=bias, scale=self.scale)
        return context.transpose(1, 2).flatten(2), None

    def _heads(self, states: torch.Tensor) -> torch.Tensor:
        """Split the last dimension: (..., heads, head width)."""
        return states.view(*states.shape[:-1], *self.shape)

    def _bias(self, queries: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
        """Return what positions add to the scores, (pairs, heads, queries, tokens)."""
        (pairs, many), tokens, heads = queries.shape[:2], keys.shape[1], self.shape[0]
        rows = _rows(many, tokens, self.span, *self.buckets, device=queries.device)
        size, width, found = (pairs, heads, many, tokens), len(rows), []
        if "c2p" in self.tables:
            products = _multiply(queries, self.tables["c2p"][:, rows.flip(0)])
            strides = many * width, pairs * many * width, width - 1, 1
            found.append(products.as_strided(size, strides, many - 1))
        if "p2c" in self.tables:
            products = _multiply(keys, self.tables["p2c"][:, rows])
            strides = tokens * width, pairs * tokens * width, 1, width - 1
            found.append(products.as_strided(size, strides, tokens - 1))
        return found[0] + found[1] if len(found) == 2 else found[0].clone()


@lru_cache(maxsize=64)
def _rows(queries: int, tokens: int, span: int, buckets: int, furthest: int, *, device: torch.device) -> torch.Tensor:
    """Return the table's row of each distance query - key, from 1 - tokens to queries - 1."""
    distances = torch.arange(1 - tokens, queries)
    if buckets > 0:
        distances = known.make_log_bucket_position(distances, buckets, furthest).long()
    return (distances + span).clamp(0, 2 * span - 1).to(device)


def _kinds(attention: Any) -> list[str]:
    """Return which are scored: relative positions by their queries (c2p), by their keys (p2c)."""
    return [kind for kind in ("c2p", "p2c") if kind in attention.pos_att_type]


def _projection(attention: Any, kind: str) -> Callable[[torch.Tensor], torch.Tensor]:
    shared, own = {"c2p": ("key_proj", "pos_key_proj"), "p2c": ("query_proj", "pos_query_proj")}[kind]
    projection: torch.nn.Linear = getattr(attention, shared if attention.share_att_key else own)
    return projection


def _multiply(states: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """Multiply (pairs, tokens, heads, width) by (heads, positions, width): (heads, pairs x tokens, positions).

    On a CPU by oneDNN, which takes half of MKL's time on AMD.
    """
    by_head = states.flatten(0, 1).transpose(0, 1)
    if not onednn.multiplies(states):
        return by_head @ table.transpose(1, 2)
    multiply = torch.ops.mkldnn._linear_pointwise
    return torch.stack([multiply(*head, None, "none", [], "") for head in zip(by_head, table, strict=True)])


def _change(attention: Any, positions: torch.Tensor) -> float:
    """Return the largest difference of what the attention and its replacement say of made-up states, in float32.

    It is relative to the largest number that the attention says.
    """
    exact, exact_positions = copy.deepcopy(attention).float(), positions.float()
    replacement = SlicedAttention(exact, exact_positions)
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(*PROBE, positions.shape[1], generator=generator).to(positions.device)
    mask = torch.ones(PROBE, device=states.device)
    mask[1, PROBE[1] // 2 :] = 0
    square = (mask[:, None] * mask[:, :, None])[:, None]  # (pairs, 1, tokens, tokens)
    expected, _ = exact(states, square, rel_embeddings=exact_positions)
    found, _ = replacement(states, mask)
    change = ((found - expected) * mask[:, :, None]).abs().max() / expected.abs().max()
    return float(change)
