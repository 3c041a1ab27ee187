"""Rows that were removed leave nothing behind, and a clone has nothing to do."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from reset.cli.tidy import tidy
from reset.planning import orphans
from reset.runs import store
from reset.runs.stage_server import SOCKET
from tests.support.clones import initialise

pytestmark = pytest.mark.slow

DVC = str(Path(sys.executable).with_name("dvc"))
PIPELINE = """
stages:
  make:
    foreach: ${rows}
    do:
      cmd: python -c "from pathlib import Path; Path('data/made/${key}.txt').write_text('${item}')"
      params: ["rows.${key}"]
      outs: ["data/made/${key}.txt"]
  gather:
    cmd: ls data/made | wc -l > metrics/all.txt
    deps: [data/made]
    outs: [metrics/all.txt]
"""


def run(folder: Path, *command: str) -> str:
    bare = {**os.environ, SOCKET: "0"}  # these stages need no libraries
    done = subprocess.run(command, cwd=folder, env=bare, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def commit(folder: Path) -> None:
    run(folder, "git", "add", "-A")
    run(folder, "git", "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "-qm", "ran")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run of three rows, of which one was then renamed and one removed."""
    root = tmp_path / "project"
    for folder in ("data/made", "metrics"):
        (root / folder).mkdir(parents=True)
    initialise(root)
    (root / "dvc.yaml").write_text(PIPELINE)
    (root / ".gitignore").write_text("/data\n/metrics/all.txt\n")
    write_rows(root, one="a", two="b", three="c")
    run(root, DVC, "repro")
    write_rows(root, uno="a", two="b")
    monkeypatch.chdir(root)
    return root


def write_rows(root: Path, **rows: str) -> None:
    (root / "params.yaml").write_text(yaml.safe_dump({"rows": rows}))


def test_repro_says_what_belongs_to_no_stage_and_tidy_removes_it(project: Path) -> None:
    assert "2 entries of dvc.lock and 2 files belong to no stage: `reset-lm tidy`" in run(project, DVC, "repro")
    listed = CliRunner().invoke(tidy, ["--dry-run"])
    assert "make@one" in listed.output and "data/made/three.txt" in listed.output
    assert (project / "data/made/one.txt").exists()
    assert CliRunner().invoke(tidy, ["--yes"]).output.endswith("removed\n")
    assert not orphans.load(project)
    run(project, DVC, "repro")
    assert (project / "metrics/all.txt").read_text().strip() == "2"


def test_tidy_says_how_large_the_store_is_and_removes_what_was_not_used_for_days(project: Path) -> None:
    for name, age_s in (("new", 0), ("old", 31 * store.DAY_S)):
        with store.Store(project, "answers", name, 1.0) as kept:
            kept.put({store.key(name): name * 1000})
        path = project / f".store/answers/{name}.sqlite"
        os.utime(path, (time.time() - age_s,) * 2)
    assert "store of answers and verdicts: 0.0 MB in 2 files\n" in CliRunner().invoke(tidy, ["--dry-run"]).output
    listed = CliRunner().invoke(tidy, ["--yes", "--store", "30"]).output
    assert "  not used for 30 days: 0.0 MB in 1 files\n" in listed
    assert [file.path.stem for file in store.files(project)] == ["new"]
    CliRunner().invoke(tidy, ["--yes", "--store", "0"])
    assert store.files(project) == []


def test_a_clone_of_a_tidy_project_has_nothing_to_do(project: Path, tmp_path: Path) -> None:
    run(project, DVC, "repro")
    CliRunner().invoke(tidy, ["--yes"])
    run(project, DVC, "repro")
    run(project, DVC, "remote", "add", "--default", "store", str(tmp_path / "store"))
    run(project, DVC, "push")
    commit(project)
    run(tmp_path, "git", "clone", "-q", str(project), "clone")
    run(tmp_path / "clone", DVC, "pull")
    assert "up to date" in run(tmp_path / "clone", DVC, "status")


def test_files_of_the_user_outside_the_stages_folders_are_left_alone(project: Path) -> None:
    (project / "mine.txt").write_text("x")
    (project / "docs").mkdir()
    (project / "docs/note.txt").write_text("x")
    assert [str(file) for file in orphans.load(project).files] == ["data/made/one.txt", "data/made/three.txt"]
