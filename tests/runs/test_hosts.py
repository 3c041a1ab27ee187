"""Training starts on the hosts of a hostfile: two names of this machine, over an ssh server of the test's own."""

import getpass
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from reset.runs.launcher import free_port
from tests.support.train_alone import RECIPE, run_alone

pytestmark = pytest.mark.slow

HOSTS = ("127.0.0.1", "127.0.0.2")
SERVER = shutil.which("sshd", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"]))
TOOLS = [SERVER, *map(shutil.which, ("pdsh", "ssh", "ssh-keygen"))]


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An ssh server on the loopback that takes a key of its own, and first on the path an `ssh` that has the key."""
    port = free_port()
    for name in ("host", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True)
    (tmp_path / "client").write_text(
        f"Port {port}\nUser {getpass.getuser()}\nIdentityFile {tmp_path}/key\nIdentitiesOnly yes\n"
        f"StrictHostKeyChecking accept-new\nUserKnownHostsFile {tmp_path}/known\nLogLevel ERROR\n"
    )
    (tmp_path / "server").write_text(
        "".join(f"ListenAddress {host}:{port}\n" for host in HOSTS)
        + f"HostKey {tmp_path}/host\nAuthorizedKeysFile {tmp_path}/key.pub\nStrictModes no\nPidFile none\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\n"
    )
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/ssh").write_text(f'#!/bin/sh\nexec {TOOLS[2]} -F {tmp_path}/client "$@"\n')
    (tmp_path / "bin/ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # the server asks for it where root starts it
    server = subprocess.Popen([str(SERVER), "-D", "-e", "-f", tmp_path / "server"])
    yield
    server.terminate()
    server.wait()


@pytest.mark.skipif(None in TOOLS, reason="needs pdsh, an ssh client and an ssh server")
@pytest.mark.usefixtures("ssh")
def test_ranks_on_two_hosts_learn_what_one_process_learns(tmp_path: Path, init: Path) -> None:
    (tmp_path / "hostfile").write_text("".join(f"{host} slots=1\n" for host in HOSTS))
    _, one, said = run_alone(tmp_path / "one", init, RECIPE)
    assert one, said[-3000:]
    _, two, said = run_alone(tmp_path / "two", init, RECIPE, processes=2, hostfile=str(tmp_path / "hostfile"))
    assert all(f"{host}: " in said for host in HOSTS), said[-3000:]  # pdsh says whose words they are
    assert two, said[-3000:]
    for a, b in zip(one, two, strict=True):
        assert b == pytest.approx(a, abs=1e-3)
