"""Tracking: each stage run leaves one small record, sent to MLflow later by `python -m reset.tracking upload`.

A record is a JSON file in `.tracking/`, complete in itself and written atomically, so a stage neither imports MLflow
nor waits for a server, and a server that is down costs nothing. It holds parameters, figures and small files, never the
environment. An experiment that DVC runs in a folder of its own keeps its records in the project's folder.
"""

import json
import logging
import os
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from reset.files import tables
from reset.tracking.figures import flatten, numbers

LOG = logging.getLogger(__name__)
MAX_ARTIFACT_BYTES = 1_000_000  # larger files stay where DVC has them


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
    """Record the block as one run of `stage`; the files named are read when the block ends, if they are there.

    `metrics` is a JSON object whose numbers become the run's metrics, `history` a JSON list of objects with a `step`.
    `pages` are too large for a record: they are sent from where they are, as they are when the record is sent.
    Off with `enabled=False` or RESET_TRACKING=0. What goes wrong in the block goes on; the record then says FAILED.
    """
    started, status = time.time(), "FAILED"
    try:
        yield
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        if enabled and os.environ.get("RESET_TRACKING") != "0":
            record = {"stage": stage, "name": name, "status": status, "start": started, "end": time.time()}
            record |= {"repro": _repro(), "pages": [str(path.resolve()) for path in pages]}
            files = [path for path in (metrics, history, *artifacts) if path]
            _keep(record | {"tags": _tags(stage), "params": flatten(params)} | _outcome(metrics, history, files))


def _keep(record: Mapping[str, Any]) -> None:
    """Write the record; a full disk must not fail the stage it tells of."""
    path = root() / ".tracking" / f"{int(record['start'] * 1000)}-{uuid.uuid4().hex[:12]}.json"
    try:
        tables.write_json(path, record)
    except OSError as error:
        LOG.warning("tracking: the run of %s is not recorded (%s: %s)", record["stage"], path, error.strerror)


def _outcome(metrics: Path | None, history: Path | None, files: Sequence[Path]) -> dict[str, Any]:
    texts = {path.as_posix(): text for path in files if (text := _text(path)) is not None}
    figures = _json(texts, metrics)
    rows = _json(texts, history)
    return {
        "metrics": numbers(figures) if isinstance(figures, dict) else {},
        "history": [numbers(row) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else [],
        "artifacts": texts,
    }


def _json(texts: Mapping[str, str], path: Path | None) -> Any:
    """The content of a file that a failed stage may have left half done."""
    try:
        return json.loads(texts.get(path.as_posix(), "null")) if path else None
    except ValueError:
        return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8") if path.stat().st_size <= MAX_ARTIFACT_BYTES else None
    except (OSError, UnicodeDecodeError):
        return None


def root() -> Path:
    """The project's folder; DVC names it also to an experiment that it runs elsewhere."""
    return Path(os.environ.get("DVC_ROOT") or Path.cwd())


def _tags(stage: str) -> dict[str, str]:
    tags = {"stage": stage}
    if experiment := os.environ.get("DVC_EXP_NAME"):
        tags["dvc.experiment"] = experiment
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    except OSError:  # no git on this machine
        return tags
    if done.returncode == 0:
        tags["git.commit"] = tags["mlflow.source.git.commit"] = done.stdout.strip()
    return tags


def _repro() -> str | None:
    """The `dvc` process that runs this stage, as "start in ms"-"id": all stages of one `dvc repro` share it."""
    try:
        for process in psutil.Process().parents():
            if any(Path(part).name == "dvc" for part in process.cmdline()[:3]):
                return f"{int(process.create_time() * 1000)}-{process.pid}"
    except psutil.Error:  # a parent that is gone, or another user's
        return None
    return None


def send() -> str:
    """Send all waiting records to MLFLOW_TRACKING_URI, else to mlflow.db in the project's folder; say what was done.

    A store that does not answer is told of in the line returned; the records then wait for the next time.
    """
    if not any((root() / ".tracking").glob("*.json")):
        return "tracking: nothing to send"
    from reset.tracking import upload  # MLflow takes seconds to import, and every stage imports this file

    return upload.send_all(root())
