"""The training loop on a CPU: DeepSpeed compiles nothing, so a kill leaves no compiler's files."""

from importlib import import_module
from pathlib import Path
from typing import NoReturn

import deepspeed
import pytest
import torch

from reset.training import loop
from tests.support.train_alone import RECIPE, run_alone

pytestmark = pytest.mark.slow


def test_deepspeed_is_not_asked_which_operators_a_compiler_could_build(monkeypatch: pytest.MonkeyPatch) -> None:
    def probed() -> NoReturn:
        raise AssertionError("DeepSpeed tries its compiler")

    backend = import_module("deepspeed.comm.torch")
    monkeypatch.delitem(vars(deepspeed.ops), "__compatible_ops__", raising=False)
    monkeypatch.setattr(deepspeed.ops, "_probe_compatible_ops", probed)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(AssertionError, match="tries its compiler"):
        backend.build_shm_op()
    loop.without_shared_memory()
    assert backend.build_shm_op() is None
    monkeypatch.delitem(vars(deepspeed.ops), "__compatible_ops__")


@pytest.mark.skipif(torch.cuda.is_available(), reason="with a GPU, operators may be compiled")
def test_a_training_run_calls_no_compiler(tmp_path: Path, init: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compilers, called = tmp_path / "bin", tmp_path / "called"
    compilers.mkdir()
    for name in ("cc", "gcc", "c++", "g++", "clang", "clang++", "ninja"):
        (compilers / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {called}\nexit 1\n')
        (compilers / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(compilers), prepend=":")
    monkeypatch.delenv("CC", raising=False)
    status, _, said = run_alone(tmp_path, init, RECIPE.__class__(**{**vars(RECIPE), "zero_stage": 3}), cold=True)
    assert (status, called.exists()) == (0, False), said
