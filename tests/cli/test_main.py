"""`reset-lm` starts fast, explains itself, and sends tracking records."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from reset import __version__
from reset.cli.main import COMMANDS, main


def test_version_is_the_packages() -> None:
    assert CliRunner().invoke(main, ["--version"]).output == f"reset-lm, version {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself_with_an_example(name: str) -> None:
    shown = CliRunner().invoke(main, [name, "--help"])
    assert shown.exit_code == 0
    assert "\n  Example:\n" in shown.output
    assert f"\n    reset-lm {name}" in shown.output


def test_unknown_command_names_the_nearest() -> None:
    refused = CliRunner().invoke(main, ["seed"])
    assert refused.exit_code == 2
    assert "Unknown command 'seed'. Did you mean 'seeds'? Known: " in refused.output


def test_help_imports_no_command() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from reset.cli.main import main;"
        "CliRunner().invoke(main, ['--help']);"
        "print([m for m in sys.modules if m.startswith(('reset.cli.', 'numpy', 'dvc', 'mlflow'))])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "['reset.cli.main']\n"


def test_track_says_that_nothing_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    assert CliRunner().invoke(main, ["track"]).output == "tracking: nothing to send\n"
