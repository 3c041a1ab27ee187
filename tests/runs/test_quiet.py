"""A command prints its own lines alone: nothing of the libraries that it imports but their errors."""

import json
import subprocess
import sys

import pytest

from tests.support import ROOT

LIBRARY = """
import logging, sys, warnings
from reset.runs import quiet
quiet.libraries()
for name in ("library", "reset.llm"):
    log = logging.getLogger(name)
    log.setLevel(logging.DEBUG)
    log.addHandler(logging.StreamHandler(sys.stdout))
    log.warning("%s warns", name)
    log.error("%s fails", name)
warnings.warn("old", DeprecationWarning)
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_library_shows_errors_alone_and_this_package_its_warnings_too() -> None:
    done = run("-c", LIBRARY)
    assert done.stdout.splitlines() == ["library fails", "reset.llm warns", "reset.llm fails"]
    assert done.stderr == ""


def test_warnings_that_are_asked_for_stay() -> None:
    assert "DeprecationWarning: old" in run("-W", "always", "-c", LIBRARY).stderr


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("check", "--offline", "--json"), ("plan", "--offline", "--json")])
def test_a_command_that_imports_deepspeed_prints_json_and_nothing_else(arguments: tuple[str, ...]) -> None:
    done = run("-P", "-m", "reset.cli.main", *arguments)
    assert json.loads(done.stdout)["scale"] == "micro"
    assert done.stderr == ""
