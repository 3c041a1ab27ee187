"""`requirements/install.py`: uv installs, and pip where uv cannot or does not know the package index."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.support import ROOT


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("install", ROOT / "requirements/install.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ran(script: ModuleType, monkeypatch: pytest.MonkeyPatch, *, uv: int, told: str = "") -> list[list[str]]:
    """The commands of `install.py base torch` where `uv` ends with status `uv` and pip's settings are `told`."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        words = [Path(command[0]).name, *command[1:]]
        if "config" in words:
            return subprocess.CompletedProcess(command, 0, told)
        commands.append(words)
        by_uv = words[0] == "uv"
        return subprocess.CompletedProcess(command, uv if by_uv else 0, "", "error: no route\n" if by_uv else "")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(sys, "argv", ["install.py", "base", "torch"])
    monkeypatch.setattr(script, "cpu_is_wanted", lambda: True)
    script.main()
    return commands


def test_uv_installs_pins_by_their_hashes_and_the_cpu_build_of_torch(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    itself, pins, torch = ran(script, monkeypatch, uv=0)
    assert itself[-1].endswith("requirements/uv.txt")
    assert pins[0] == torch[0] == "uv"
    assert "--require-hashes" in itself
    assert "--require-hashes" in pins
    assert torch[-4:-1] == ["--no-deps", "--torch-backend", "cpu"]


def test_pip_installs_the_same_where_uv_cannot_and_this_is_said(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    by_pip = [words for words in ran(script, monkeypatch, uv=2) if words[0] != "uv"]
    assert [Path(words[-1].removeprefix("-r")).stem for words in by_pip] == ["uv", "base", "torch"]
    assert "--require-hashes" in by_pip[1]
    said = capsys.readouterr().out
    assert "--no-deps" not in by_pip[-1]  # the default build needs CUDA's libraries
    assert "uv could not install (error: no route): pip does" in said
    assert script.NEITHER in said


def test_pip_installs_where_it_is_set_to_another_index_and_not_where_it_has_one_more(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = ran(script, monkeypatch, uv=0, told="global.cert='x'\n:env:.index-url='file:///mirror'\n")
    assert "uv" not in {words[0] for words in own if "--require-hashes" in words}
    more = ran(script, monkeypatch, uv=0, told="global.extra-index-url='file:///more'\n")
    assert more[1][0] == "uv"
