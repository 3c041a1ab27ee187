"""An MLflow server on this machine, for the tests that send records to one or look at its pages."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reset.runs.launcher import free_port
from tests.support import ROOT

UPLOAD = [sys.executable, "-m", "reset.tracking", "upload"]


def upload(project: Path, uri: str | None = None) -> subprocess.CompletedProcess[str]:
    code = ROOT
    env = {**os.environ, "PYTHONPATH": str(code)} | ({"MLFLOW_TRACKING_URI": uri} if uri else {})
    return subprocess.run(UPLOAD, cwd=project, env=env, capture_output=True, text=True, check=False)


@contextmanager
def mlflow_ui(project: Path) -> Iterator[str]:
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-m", "mlflow", "ui", "--port", str(port), "--workers", "1"]
    env = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{project}/mlflow.db", "DO_NOT_TRACK": "true"}
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
