"""Tracking: each stage run writes one small record, which `python -m reset.tracking upload` sends to MLflow later.

A record is a self-contained JSON file in `.tracking/`, written atomically. So a stage neither imports MLflow nor waits
for a server, and a server that is down does no harm. A record holds parameters, figures, small files, the hashes of the
tables and of the system that the stage read and made, and of an evaluation a few judged answers; never environment
variables. A DVC experiment that runs in its own folder writes its records to the project's folder.
"""

import json
import logging
import os
import subprocess  # nosec B404: arguments and no shell
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from reset.errors import ResetError
from reset.files import tables
from reset.tracking import data, judged_answers
from reset.tracking.figures import flatten, numbers

LOG = logging.getLogger(__name__)
MAX_ARTIFACT_BYTES = 1_000_000  # larger files are not recorded; DVC has them


@contextmanager
def run(
    stage: str,
    name: str,
    params: Mapping[str, Any],
    *,
    metrics: Path | None = None,
    history: Path | None = None,
    artifacts: Sequence[Path] = (),
    pages: Sequence[Path] = (),
    enabled: bool = True,
) -> Iterator[None]:
    """Record the block as one run of `stage`; the named files are read when the block ends, if they exist.

    `metrics` is a JSON object whose numbers become the run's metrics, `history` a JSON list of objects with a `step`.
    `pages` are files too large for a record: only their paths are recorded, and upload sends their content of then.
    Off with `enabled=False` or RESET_TRACKING=0. An exception in the block is raised on; the record's status is FAILED.
    """
    started, clock, status = time.time(), time.monotonic(), "FAILED"
    try:
        yield
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        if enabled and os.environ.get("RESET_TRACKING") != "0":
            record = {
                "stage": stage,
                "name": name,
                "status": status,
                "start": started,
                "end": started + time.monotonic() - clock,
            }
            record |= {"repro": _dvc_process(), "pages": [str(path.resolve()) for path in pages]}
            record |= {"data": data.tables_of(stage), "answers": judged_answers.of_stage(stage)}
            record |= {"model": data.model_of(stage) if status == "FINISHED" else None}
            files = [path for path in (metrics, history, *artifacts) if path]
            _write(record | {"tags": _tags(stage), "params": flatten(params)} | _read_outputs(metrics, history, files))


def _write(record: Mapping[str, Any]) -> None:
    """Write the record; if that fails, only warn: a full disk must not fail the stage."""
    path = root() / ".tracking" / f"{int(record['start'] * 1000)}-{uuid.uuid4().hex[:12]}.json"
    try:
        tables.write_json(path, record)
    except (OSError, ResetError) as error:
        why = error.message if isinstance(error, ResetError) else f"{path}: {error.strerror}"
        LOG.warning("tracking: the run of %s is not recorded (%s)", record["stage"], why)


def _read_outputs(metrics: Path | None, history: Path | None, files: Sequence[Path]) -> dict[str, Any]:
    texts = {path.as_posix(): text for path in files if (text := _small_text(path)) is not None}
    figures = _parse_json(texts, metrics)
    rows = _parse_json(texts, history)
    return {
        "metrics": numbers(figures) if isinstance(figures, dict) else {},
        "history": [numbers(row) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else [],
        "artifacts": texts,
    }


def _parse_json(texts: Mapping[str, str], path: Path | None) -> Any:
    """The content of the file `path`; None if it is missing or invalid, as after a failed stage."""
    try:
        return json.loads(texts.get(path.as_posix(), "null")) if path else None
    except ValueError:
        return None


def _small_text(path: Path) -> str | None:
    """The text of a file; None if it is missing, too large or not text."""
    try:
        return path.read_text(encoding="utf-8") if path.stat().st_size <= MAX_ARTIFACT_BYTES else None
    except (OSError, UnicodeDecodeError):
        return None


def root() -> Path:
    """The project's folder: DVC_ROOT, which DVC sets also for experiments in other folders, else the current one."""
    return Path(os.environ.get("DVC_ROOT") or Path.cwd())


def _tags(stage: str) -> dict[str, str]:
    tags = {"stage": stage}
    if experiment := os.environ.get("DVC_EXP_NAME"):
        tags["dvc.experiment"] = experiment
    if sha := commit():
        tags["git.commit"] = tags["mlflow.source.git.commit"] = sha
    return tags


def commit() -> str:
    """Return the Git commit of the working folder; "" outside of Git."""
    try:
        git = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)  # nosec B603, B607: arguments and no shell
    except OSError:  # no git on this machine
        return ""
    return git.stdout.strip() if git.returncode == 0 else ""


def _dvc_process() -> str | None:
    """The `dvc` process that runs this stage, as "<start in ms>-<pid>"; all stages of one `dvc repro` share it."""
    try:
        for process in psutil.Process().parents():
            if any(Path(part).name == "dvc" for part in process.cmdline()[:3]):
                return f"{int(process.create_time() * 1000)}-{process.pid}"
    except psutil.Error:  # a parent process has ended, or belongs to another user
        return None
    return None


def send() -> str:
    """Send all waiting records to MLFLOW_TRACKING_URI, else to mlflow.db in the project's folder; return a summary.

    If the store does not answer, the summary says so and the records wait for the next call.
    """
    if not any((root() / ".tracking").glob("*.json")):
        return "tracking: nothing to send"
    from reset.tracking import upload  # imports MLflow, which takes seconds; every stage imports this file

    return upload.send_all(root())
