"""The dtype in which a model computes; training and all engines use the same rule."""

import torch

from reset.errors import ResetError, nearest

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def dtype(name: str) -> torch.dtype:
    """Return the dtype called `name`; `auto` is bfloat16 if the hardware supports it, else float32.

    Raises `ResetError` for another name.
    """
    if name == "auto":
        native = torch.cuda.is_bf16_supported() if torch.cuda.is_available() else _on_cpu()
        return torch.bfloat16 if native else torch.float32
    if name not in DTYPES:
        raise ResetError(f"Unknown dtype '{name}'. {nearest(name, [*DTYPES, 'auto'])}")
    return DTYPES[name]


def _on_cpu() -> bool:
    """Return whether this processor computes in bfloat16; a PyTorch without oneDNN has no operator that would know."""
    operator = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return operator is not None and bool(operator())
