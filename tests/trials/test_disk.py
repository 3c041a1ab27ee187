"""A disk that is full or may not be written, and inputs that have gone: one line, exit status 1, and nothing lost."""

import errno
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.trial_rounds import Rounds
from tests.support.trials import STAGES, Project, differences, left_over, stage

pytestmark = pytest.mark.slow
FAILING = """
import os, runpy, sys
call, number, module, *sys.argv[1:] = sys.argv[1:]
sys.argv[0] = module
def fail(path, *_, **__):
    raise OSError(int(number), os.strerror(int(number)), path if isinstance(path, str) else str(path))
if call == "mkdir":
    os.mkdir = fail
else:
    import pathlib, reset.files.atomic
    real = os.open
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT
    sys.addaudithook(
        lambda event, args: fail(args[0]) if event == "open" and isinstance(args[0], str) and args[0].startswith(
            (os.getcwd(), "data", "metrics", ".chunks", ".ledger")) and args[2] & writing else None
    )
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


@pytest.fixture
def whole(made: Rounds) -> Project:
    """A project in which all stages have run."""
    return made.whole


def refused(project: Project, command: list[str], largest: int | None = None) -> str:
    """Run a command that must fail; return its last line. A limit of its files' size holds in its own process alone."""
    project = project.cold() if largest else project
    process = project.start(command)
    if largest:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (largest, largest))
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 1, said
    assert "Traceback" not in said, said
    project.require_quiet()
    return said.splitlines()[-1]


def require_whole(whole: Project, project: Project, name: str) -> None:
    """Run the stage again, now that the disk is well."""
    before = project.server.repeated
    project.server.known |= project.paid()
    project.finish(stage(name))
    assert differences(whole, project, [name]) + left_over(project) == []
    assert project.server.repeated == before


@pytest.mark.parametrize("name", ["fetch", "prepare", "judge"])
def test_a_full_disk_is_a_line_and_the_next_run_ends_with_the_same_rows(
    whole: Project, tmp_path: Path, name: str
) -> None:
    project = whole.copy(tmp_path / "full", [name])
    said = refused(project, stage(name), largest=5_000)
    assert said.startswith("Error: ") and ("ile too large" in said or "disk" in said)
    require_whole(whole, project, name)


@pytest.mark.parametrize(("call", "number"), [("mkdir", errno.EROFS), ("open", errno.EACCES)])
def test_a_folder_that_may_not_be_written_is_a_line(whole: Project, tmp_path: Path, call: str, number: int) -> None:
    for name in ("fetch", "prepare", "judge"):
        project = whole.copy(tmp_path / name, [name])
        command = [sys.executable, "-c", FAILING, call, str(number), f"stages.{name}", *STAGES[name]]
        assert refused(project, command).startswith("Error: ")
    require_whole(whole, project, name)


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("prepare", "data/raw/instructions"),
        ("prepare", "params.yaml"),
        ("judge", "rater.json"),
        ("judge", "data/answers.parquet"),
        ("judge", "data/asked.parquet"),
        ("sample", "data/prompts.parquet"),
        ("sample", "models/first"),
        ("train", "rows.parquet"),
        ("train", "models/first"),
    ],
)
def test_an_input_that_has_gone_is_named(whole: Project, tmp_path: Path, name: str, gone: str) -> None:
    project = whole.copy(tmp_path / "gone", [])
    path = project.folder / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    said = refused(project, stage(name))
    assert said.startswith("Error: ") and Path(gone).name in said


def test_a_record_that_cannot_be_written_is_a_warning(whole: Project, tmp_path: Path) -> None:
    project = whole.copy(tmp_path / "warned", ["fetch"])
    (project.folder / ".tracking").write_text("a file where the folder should be")
    process = project.start(stage("fetch"))
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and "tracking: the run of fetch is not recorded" in said


def test_a_project_on_another_file_system_than_its_cache(whole: Project, tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system")
    project = whole.copy(tmp_path / "apart", ["fetch", "prepare"])
    project = project.cold()
    project.initialise()
    cache = other / f"reset-trial-{tmp_path.name}"
    try:
        project.finish([sys.executable, "-m", "dvc", "cache", "dir", str(cache)])
        project.finish([sys.executable, "-m", "reset.dvc_command.main", "repro", "fetch", "prepare"])
        shutil.rmtree(project.folder / "data/raw")
        project.finish([sys.executable, "-m", "reset.dvc_command.main", "repro", "fetch", "prepare"])
        assert not [d for d in differences(whole, project, ["fetch", "prepare"]) if "differs" in d]
    finally:
        subprocess.run(["rm", "-rf", str(cache)], check=True)
