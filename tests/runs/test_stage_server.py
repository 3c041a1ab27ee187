"""Stages forked from a warm process: same output, same exit status, and nothing is left when anybody dies."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from reset.runs.stage_server import SOCKET, ask
from tests.support import ROOT

Row = dict[str, Any]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux alone")]
SLEEPER = """
import os, sys, time
from pathlib import Path
from typing import Any
Path(sys.argv[1]).write_text(str(os.getpid()))
time.sleep(60)
"""

STARTS = """
import os, subprocess, sys
from pathlib import Path
Path("stages").mkdir()
Path("stages/__init__.py").write_text(Path("ROOT/stages/__init__.py").read_text())
Path("parent").write_text(str(os.getppid()))
Path("stages/one.py").write_text("import os; open('parent_of_rank', 'w').write(str(os.getppid()))")
subprocess.run([sys.executable, "-m", "stages.one"], env={**os.environ, "RANK": "0"}, check=True)
""".replace("ROOT", str(ROOT))

ENDS = """
import weakref
from reset.runs.stage_server import leave_finalizers
server, stage = {1}, {2}
weakref.finalize(server, print, "server")
leave_finalizers()
weakref.finalize(stage, print, "stage")
"""


@pytest.fixture
def owner() -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for the `dvc` which started the server."""
    with subprocess.Popen(["sleep", "100"]) as process:
        yield process
        process.kill()


@pytest.fixture
def server(owner: subprocess.Popen[bytes], tmp_path: Path) -> Iterator[str]:
    """The path of a running server's socket; sees the stages of this checkout, and a module `sleeper`."""
    (tmp_path / "sleeper.py").write_text(SLEEPER)
    folder = tmp_path / "socket"
    folder.mkdir()
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    command = [sys.executable, "-m", "reset.runs.stage_server", str(folder / "s"), str(owner.pid)]
    with subprocess.Popen(command, cwd=tmp_path, env=environment) as process:
        until(lambda: (folder / "s").exists())
        yield str(folder / "s")
        process.kill()


def until(true: object, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.02)


def stage(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    around = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=folder, env=around, capture_output=True, text=True, check=False)


def test_a_stage_says_writes_and_returns_the_same_as_in_its_own_process(
    server: str, minimal: Row, tmp_path: Path
) -> None:
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(minimal))
    (tmp_path / "reset").symlink_to(ROOT / "reset")
    for arguments in ([next(iter(minimal["judges"])), "one.json"], ["nobody", "one.json"], ["--help"]):
        alone = stage(tmp_path, "stages.identify", *arguments)
        written = (tmp_path / "one.json").read_bytes()
        forked = stage(tmp_path, "stages.identify", *arguments, **{SOCKET: server})
        assert (forked.stdout, forked.stderr, forked.returncode) == (alone.stdout, alone.stderr, alone.returncode)
        assert (tmp_path / "one.json").read_bytes() == written
    assert alone.stdout.startswith("Usage: python -m stages.identify")


def sleeping(server: str, tmp_path: Path, said: int | None = None) -> tuple[subprocess.Popen[bytes], int]:
    """A caller whose stage sleeps, and the stage's process id."""
    code = f"from reset.runs.stage_server import ask; raise SystemExit(ask({server!r}, 'sleeper', ['pid']))"
    around = {**os.environ, "PYTHONPATH": str(ROOT)}
    caller = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=around, stderr=said)
    until((tmp_path / "pid").exists)
    until(lambda: (tmp_path / "pid").read_text())
    return caller, int((tmp_path / "pid").read_text())


def test_ranks_that_a_stage_starts_are_forked_by_the_same_server(server: str, minimal: Row, tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(minimal))
    (tmp_path / "starts.py").write_text(STARTS)
    code = f"from reset.runs.stage_server import ask; raise SystemExit(ask({server!r}, 'starts', []))"
    around = {**os.environ, "PYTHONPATH": str(ROOT), SOCKET: server}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=around, check=True, stdout=subprocess.DEVNULL)
    assert (tmp_path / "parent_of_rank").read_text() == (tmp_path / "parent").read_text()


def test_a_stage_that_is_interrupted_before_it_reads_its_command_line_ends_in_one_line(
    server: str, tmp_path: Path
) -> None:
    caller, pid = sleeping(server, tmp_path, subprocess.PIPE)
    os.kill(pid, signal.SIGINT)
    _, said = caller.communicate(timeout=20)
    assert said == b"Aborted!\n" and caller.returncode != 0


def test_a_stage_dies_with_its_caller_and_the_server_goes_on(server: str, tmp_path: Path) -> None:
    caller, pid = sleeping(server, tmp_path)
    caller.kill()
    caller.wait()
    until(lambda: not psutil.pid_exists(pid))
    assert stage(tmp_path, "stages.identify", "--help", **{SOCKET: server}).returncode == 0


def test_a_stage_that_is_killed_or_told_to_end_gives_its_caller_the_signal(server: str, tmp_path: Path) -> None:
    caller, pid = sleeping(server, tmp_path)
    os.kill(pid, signal.SIGKILL)
    assert caller.wait(10) != 0
    (tmp_path / "pid").unlink()
    caller, pid = sleeping(server, tmp_path)
    caller.terminate()  # it may not know its stage yet; then it dies, and the server kills the stage
    assert caller.wait(10) != 0
    until(lambda: not psutil.pid_exists(pid))


def test_everything_ends_with_the_owner(server: str, owner: subprocess.Popen[bytes], tmp_path: Path) -> None:
    caller, pid = sleeping(server, tmp_path)
    owner.kill()
    assert caller.wait(10) != 0
    until(lambda: not psutil.pid_exists(pid))
    until(lambda: not Path(server).parent.exists())


def test_a_server_whose_owner_has_ended_already_ends_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "socket").mkdir()
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    done = stage(tmp_path, "reset.runs.stage_server", str(tmp_path / "socket/s"), str(gone.pid))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / "socket").exists()


def test_a_stage_dies_with_the_server(server: str, tmp_path: Path) -> None:
    caller, pid = sleeping(server, tmp_path)
    psutil.Process(pid).parent().kill()  # type: ignore[union-attr]
    assert caller.wait(10) == 1
    until(lambda: not psutil.pid_exists(pid))


def test_without_a_server_the_stage_runs_in_its_own_process(tmp_path: Path) -> None:
    assert ask(str(tmp_path / "none"), "stages.identify", []) is None
    assert stage(tmp_path, "stages.identify", "--help", **{SOCKET: str(tmp_path / "none")}).returncode == 0


def test_a_fork_runs_its_own_finalizers_and_not_those_of_the_server(tmp_path: Path) -> None:
    (tmp_path / "ends.py").write_text(ENDS)
    assert stage(tmp_path, "ends").stdout == "stage\n"
