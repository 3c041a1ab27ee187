"""Imports that leave packages out."""

import subprocess
import sys
from importlib import import_module

import pytest

from reset.runs.lean_imports import without


def test_a_hidden_package_seems_not_to_be_installed_and_is_there_afterwards(monkeypatch):
    monkeypatch.delitem(sys.modules, "wave", raising=False)
    with without("wave"), pytest.raises(ImportError):
        import_module("wave")
    assert import_module("wave").__name__ == "wave"


def test_a_package_that_is_loaded_stays():
    with without("sys"):
        assert import_module("sys") is sys


def test_lexical_judge_loads_neither_scipy_nor_sklearn():
    code = "import sys, reset.judges.lexical; print(sorted({'scipy', 'sklearn', 'pandas'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
