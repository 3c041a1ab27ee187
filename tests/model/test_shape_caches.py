"""Matrices of many shapes do not fill the memory of a process."""

import os
import subprocess
import sys

import pytest
import torch

from reset.model import precision, shape_caches

MANY = """
import torch
{first}
layer = torch.nn.Linear(512, 1024, bias=False, dtype=torch.bfloat16)
def used():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
def train(tokens):
    layer(torch.ones((tokens, 512), dtype=torch.bfloat16, requires_grad=True)).sum().backward()
train(512)
before = used()
for tokens in range(256, 456):
    train(tokens)
print(used() - before)
"""


def growth(first: str, **environment: str) -> int:
    kept = {name: value for name, value in os.environ.items() if not name.endswith("CACHE_CAPACITY")}
    command = [sys.executable, "-c", MANY.format(first=first)]
    done = subprocess.run(command, env={**kept, **environment}, capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(precision.dtype("auto") is torch.float32, reason="oneDNN multiplies in bfloat16")
@pytest.mark.slow
def test_shapes_cost_little_memory_once_bound() -> None:
    bound = "from reset.model import shape_caches; shape_caches.bound()"
    assert growth(bound) < 0.5 * growth("")


def test_what_the_environment_says_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRU_CACHE_CAPACITY", "7")
    monkeypatch.delenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", raising=False)
    shape_caches.bound()
    assert (os.environ["LRU_CACHE_CAPACITY"], os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"]) == ("7", "64")
