"""The command that starts several processes: here, or on the hosts of a hostfile, and never by a file nobody named."""

import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from deepspeed.launcher import runner

from reset.errors import ResetError
from reset.runs import launcher
from tests.support import ROOT
from tests.support.waiting import until

pytestmark = pytest.mark.slow


def hostfile(folder: Path, text: str) -> str:
    path = folder / "hostfile"
    path.write_text(text)
    return str(path)


def options(command: list[str]) -> runner.argparse.Namespace:
    """What DeepSpeed reads in the command."""
    assert command[1:3] == ["-m", "reset.runs.endings"]
    command = command[3:]
    assert command[1:3] == ["-m", "deepspeed.launcher.runner"]
    return runner.parse_args([*command[3:], "--module", "stages.train", "mtl"])


def test_without_a_hostfile_all_processes_meet_on_the_loopback_and_no_ambient_file_is_read() -> None:
    read = options(launcher.launcher(2))
    assert (read.num_gpus, read.master_addr, read.user_args) == (2, "127.0.0.1", ["mtl"])
    assert not runner.fetch_hostfile(read.hostfile)


def test_hosts_of_a_hostfile_choose_where_they_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher.shutil, "which", lambda name: f"/usr/bin/{name}")
    path = hostfile(tmp_path, "# ours\ngpu1 slots=8\n\ngpu2 slots=8 # the new one\n")
    read = options(launcher.launcher(16, path))
    assert (read.master_addr, read.num_gpus, read.no_ssh_check) == ("", -1, False)
    assert runner.fetch_hostfile(read.hostfile) == {"gpu1": 8, "gpu2": 8}


def test_hostfile_of_this_machine_alone_needs_no_ssh(tmp_path: Path) -> None:
    read = options(launcher.launcher(2, hostfile(tmp_path, "localhost slots=2")))
    assert (read.master_addr, read.no_ssh_check) == ("127.0.0.1", True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gpu1 slots=4\ngpu2 slots=4", "has 8 slots, train.processes is 16"),
        ("gpu1 8", "'gpu1 8' is not a line like 'gpu1 slots=8'"),
        ("", "'' is not a line like"),
        ("gpu1 slots=8\ngpu1  slots=8", "each host once"),
    ],
)
def test_hostfile_that_does_not_fit_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ResetError, match=message):
        launcher.launcher(16, hostfile(tmp_path, text))


def test_hostfile_that_is_not_there_is_refused() -> None:
    with pytest.raises(ResetError, match="nowhere: No such file or directory"):
        launcher.launcher(2, "nowhere")


def test_several_hosts_without_pdsh_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher.shutil, "which", lambda name: None)
    with pytest.raises(ResetError, match="names 2 hosts: the DeepSpeed launcher needs pdsh"):
        launcher.launcher(16, hostfile(tmp_path, "gpu1 slots=8\ngpu2 slots=8"))


@pytest.mark.skipif(sys.platform != "linux", reason="a Linux signal")
def test_what_the_launcher_starts_ends_with_the_process_that_started_it() -> None:
    sleeper = [sys.executable, "-m", "reset.runs.endings", shutil.which("sleep"), "60"]
    code = f"import subprocess; child = subprocess.Popen({sleeper!r}); print(child.pid, flush=True); child.wait()"
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        child = psutil.Process(int(parent.stdout.readline()))  # type: ignore[union-attr]
        until(lambda: "sleep" in child.name())
        parent.kill()
    child.wait(10)
