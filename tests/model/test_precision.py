"""Which dtype `auto` is."""

import pytest
import torch

from reset.errors import ResetError
from reset.model import precision


def test_a_pytorch_without_onednn_computes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.ops, "mkldnn", object())
    assert precision.dtype("auto") is torch.float32


def test_a_processor_with_bfloat16_computes_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Operators:
        @staticmethod
        def _is_mkldnn_bf16_supported() -> bool:
            return True

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.ops, "mkldnn", Operators())
    assert precision.dtype("auto") is torch.bfloat16
    assert precision.dtype("float32") is torch.float32


def test_an_unknown_dtype_names_the_nearest() -> None:
    with pytest.raises(ResetError, match=r"Unknown dtype 'float23'\. Did you mean 'float32'"):
        precision.dtype("float23")
