"""An MLflow server on this machine, for the tests that send records to one or look at its pages."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from click.testing import CliRunner

from reset.runs.launcher import free_port
from reset.tracking.__main__ import main
from tests.support import ROOT

UPLOAD = [sys.executable, "-m", "reset.tracking", "upload"]


@cache
def _empty_store() -> Path:
    """A store without runs; MLflow takes seconds to make one."""
    from mlflow import MlflowClient

    path = Path(mkdtemp(prefix="reset-tests-")) / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


def upload(project: Path, uri: str | None = None, *, new: bool = False) -> subprocess.CompletedProcess[str]:
    """Send what waits in the project to `uri`, else to its own store, which MLflow makes if it shall be `new`.

    To a store that is there it is sent from this process, which has MLflow.
    """
    env = {**os.environ, "PYTHONPATH": str(ROOT)} | ({"MLFLOW_TRACKING_URI": uri} if uri else {})
    own, waits = project / "mlflow.db", any((project / ".tracking").glob("*.json"))
    if uri or new:
        return subprocess.run(UPLOAD, cwd=project, env=env, capture_output=True, text=True, check=False)
    if waits and not own.exists():
        shutil.copy(_empty_store(), own)
    with chdir(project):
        done = CliRunner().invoke(main, ["upload"])
    return subprocess.CompletedProcess(UPLOAD, done.exit_code, done.stdout, done.stderr)


@contextmanager
def mlflow_ui(project: Path) -> Iterator[str]:
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-m", "mlflow", "ui", "--port", str(port), "--workers", "1"]
    env = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{project}/mlflow.db", "DO_NOT_TRACK": "true"}
    env |= {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # else nine more processes import it
    with (project / "ui.log").open("w") as log:
        server = subprocess.Popen(command, cwd=project, env=env, stdout=log, stderr=log, start_new_session=True)
    try:
        for _ in range(600):  # a busy machine needs minutes to import it
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.5)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)
