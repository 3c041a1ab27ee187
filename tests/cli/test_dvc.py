"""The environment's `dvc`: stages find its interpreter, and dvc.lock is what DVC itself would write."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from reset.runs.dvc_lock import entry_text, replaced
from tests.support import ROOT

DVC = Path(sys.executable).with_name("dvc")
PIPELINE = """
stages:
  count:
    foreach: ${rows}
    do:
      cmd: python -c "import sys; print(sys.prefix); open('${key}.txt', 'w').write('${item.text}')"
      params: ["rows.${key}"]
      outs: ["${key}.txt"]
"""
LOCK = "schema: '2.0'\nstages:\n  a@1:\n    cmd: x\n  a@10:\n    cmd: y\n"


def params(**changed: object) -> str:
    rows = {
        "one": {"text": "a" * 90, "rate": 1e-5, "none": None, "off": "off"},
        "two": {"text": "b", "list": [1, None]},
    }
    return yaml.safe_dump({"rows": {**rows, **changed}})


@pytest.fixture
def project(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / "params.yaml").write_text(params())
    return tmp_path


def repro(folder: Path, *command: str) -> str:
    """Run `command` as a newcomer's shell does: without the environment's folder on PATH."""
    bare = {"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/"), "DVC_NO_ANALYTICS": "1"}
    done = subprocess.run([*command, "repro"], cwd=folder, env=bare, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_stages_run_under_the_interpreter_of_dvc_without_activating_anything(project: Path) -> None:
    assert sys.prefix in repro(project, str(DVC))


def test_the_lock_is_byte_for_byte_what_dvc_writes(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    on_path = f"PATH={DVC.parent}:/usr/bin:/bin"
    for content in (params(), params(two={"text": "c"}), params(three={"text": "d", "rate": 0.1})):
        (project / "params.yaml").write_text(content)
        repro(project, str(DVC))
        ours = (project / "dvc.lock").read_text()
        (project / "dvc.lock").unlink()
        for key in ("one", "two", "three"):
            (project / f"{key}.txt").unlink(missing_ok=True)
        repro(project, "env", on_path, sys.executable, "-m", "dvc")
        assert yaml.safe_load(ours) == yaml.safe_load((project / "dvc.lock").read_text())
        if "d" not in content:
            assert ours == (project / "dvc.lock").read_text()
        (project / "dvc.lock").write_text(ours)


def test_a_second_repro_does_nothing_and_leaves_the_lock_alone(project: Path) -> None:
    repro(project, str(DVC))
    before = (project / "dvc.lock").stat()
    assert "up to date" in repro(project, str(DVC))
    assert (project / "dvc.lock").stat().st_mtime_ns == before.st_mtime_ns


def test_an_entry_takes_the_place_of_its_old_one_and_a_new_one_goes_to_the_end() -> None:
    assert replaced(LOCK, entry_text({"a@1": {"cmd": "z"}})) == LOCK.replace("cmd: x", "cmd: z")
    assert replaced(LOCK, entry_text({"a@10": {"cmd": "z"}})) == LOCK.replace("cmd: y", "cmd: z")
    assert replaced(LOCK, entry_text({"b": {"cmd": "z"}})) == f"{LOCK}  b:\n    cmd: z\n"


@pytest.mark.parametrize(
    "other",
    [
        "",
        "stages: {}\n",
        f"{LOCK}datasets:\n- name: x\n",
        LOCK.replace("2.0", "1.0"),
        LOCK[:-1],
        LOCK.replace("1:\n", "1: &x\n"),
    ],
)
def test_a_lock_of_another_form_is_left_to_dvc(other: str) -> None:
    assert replaced(other, entry_text({"a@1": {"cmd": "z"}})) is None


def heavy(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a `dvc` command with this checkout's code."""
    known = {"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/"), "DVC_NO_ANALYTICS": "1"}
    environment |= known | {"PYTHONPATH": str(ROOT)}
    whole = [sys.executable, "-m", "reset.cli.dvc", *command]
    return subprocess.run(whole, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_heavy_run_is_checked_before_its_first_stage_and_a_no_op_is_not(project: Path) -> None:
    content = yaml.safe_load(params()) | {"base": {"llama": {"kind": "hub"}}}  # which `reset-lm check` finds incomplete
    (project / "params.yaml").write_text(yaml.safe_dump(content))
    refused = heavy(project, "repro", "--keep-going")
    assert refused.returncode and "no stage was run (RESET_CHECK=0 goes on without)" in refused.stderr
    assert "params.yaml: " in refused.stderr and not list(project.glob("*.txt"))
    assert heavy(project, "repro", "count@one").returncode == 0  # a target that is named needs not all
    assert heavy(project, "repro", RESET_CHECK="0").returncode == 0
    assert "up to date" in heavy(project, "repro").stdout
