"""Shortcuts through a sentence classifier, and the batches it reads: probabilities stay as they are, but for rounding.

On a CPU oneDNN multiplies the float32 matrices, GELU included, as it does bfloat16 ones; MKL, which torch would ask,
takes no AVX-512 on processors of other makers than Intel. An encoder of BERT's kind is read at its first token: behind
the attention of the last layer only that token goes on.

oneDNN keeps what it builds for a matrix of another shape, over half a megabyte each time. So batches come in few
shapes: lengths are rounded up to one of eight values in each doubling, numbers of rows to one of two.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch

LENGTHS, ROWS = 8, 2  # how many sizes there are in each doubling
READ_AT_FIRST = frozenset({"bert", "roberta", "xlm-roberta", "electra", "deberta", "deberta-v2"})  # `model_type`


def lighten(model: Any) -> None:
    """Take all shortcuts that the model's device and kind allow."""
    keep_first_token(model)
    if model.device.type == "cpu":
        multiply_by_onednn(model)
        join_gelu(model)


def multiply_by_onednn(model: torch.nn.Module) -> None:
    """Let oneDNN multiply in the linear layers of a float32 model on a CPU; with MKL they take twice the time on AMD.

    The operation is the one that torch's compiler puts there. Sums are taken in another order: results differ by
    rounding.
    """
    for layer in model.modules():
        if type(layer) is torch.nn.Linear:
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
    """Drop all tokens but the first behind the last layer's attention, where the classifier reads no other."""
    if model.config.model_type in READ_AT_FIRST and model.config.num_hidden_layers > 1:  # DeBERTa's first may convolve
        model.base_model.encoder.layer[-1].attention.output.register_forward_pre_hook(_first)


def _first(_: torch.nn.Module, states: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    return tuple(state[:, :1] for state in states)  # (pairs, 1, width)


def _linear(layer: torch.nn.Linear, then: str, inputs: torch.Tensor) -> torch.Tensor:
    how = "none" if then == "gelu" else ""  # GELU by the error function, not by tanh
    product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(inputs, layer.weight, layer.bias, then, [], how)
    return product


def batches(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Group row numbers by length; a batch holds at most `batch_tokens` tokens, padding counted, or a single row."""
    order = sorted(range(len(lengths)), key=lambda row: (-lengths[row], row))
    start = 0
    while start < len(order):
        most = max(1, batch_tokens // _up(lengths[order[start]], LENGTHS))
        size = most - most % _step(most, ROWS)
        yield order[start : start + size]
        start += size


def padded(rows: Sequence[Sequence[int]], fill: int, most: int) -> torch.Tensor:
    """Rows of one batch side by side, (pairs, longest), with `longest` rounded up, but not above `most`.

    Behind them the first row is repeated up to a rounded number of rows.
    """
    longest = max(map(len, rows))
    width = max(longest, min(_up(longest, LENGTHS), most))
    more = _up(len(rows), ROWS) - len(rows)
    return torch.tensor([[*row, *[fill] * (width - len(row))] for row in [*rows, *[rows[0]] * more]])


def _up(number: int, steps: int) -> int:
    """The next of the sizes that there are, `steps` of them in each doubling."""
    step = _step(number, steps)
    return -(-number // step) * step


def _step(number: int, steps: int) -> int:
    return max(1, (1 << number.bit_length() - 1) // steps)
