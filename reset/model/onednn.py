"""Multiply the matrices of a loaded model by oneDNN on a CPU, up to rounding as torch does.

MKL, torch's default for float32, uses AVX-512 only on Intel processors, and takes up to twice as long on AMD's.
"""

from functools import partial

import torch

from reset.model import precision

LARGE = 2**18  # weights of a layer, 512 x 512, from which oneDNN is the faster one for a few rows


def multiplies(states: torch.Tensor) -> bool:
    """Whether oneDNN can multiply matrices like these: on a CPU, which for bfloat16 must compute in it."""
    if not torch.backends.mkldnn.is_available() or states.device.type != "cpu":  # type: ignore[no-untyped-call]
        return False  # PyTorch has it not on every Mac
    return states.dtype is not torch.bfloat16 or precision.dtype("auto") is torch.bfloat16


def lay_out(model: torch.nn.Module, *, least: int = 0) -> None:
    """Let oneDNN compute the linear layers of `least` weights or more; the model can then be neither saved nor copied.

    This is the operation that torch's compiler inserts; weights are put into its layout once, a head that shares the
    embeddings' matrix into a copy. It sums in another order, so results differ by rounding.
    """
    for layer in model.modules():
        if type(layer) is torch.nn.Linear and layer.weight.numel() >= least:
            laid_out = torch.ops.mkldnn._reorder_linear_weight(layer.weight)
            layer.weight = torch.nn.Parameter(laid_out, requires_grad=False)
            layer.forward = partial(linear, layer, "none")  # type: ignore[method-assign]


def linear(layer: torch.nn.Linear, activation: str, inputs: torch.Tensor) -> torch.Tensor:
    """Compute a layer and its activation, `none` or `gelu`, as one operation. Shapes: (..., in) -> (..., out)."""
    variant = "none" if activation == "gelu" else ""  # GELU by the error function, not by tanh
    product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
        inputs, layer.weight, layer.bias, activation, [], variant
    )
    return product
