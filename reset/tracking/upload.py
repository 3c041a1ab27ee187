"""Send tracking records to MLflow through its client; a record is deleted only after MLflow has all of it.

The stage runs of one `dvc repro` are children of a parent run, which gets the output of the stage `report`: the
parameters, each system's macro averages as metrics, the tables and the page.

Sending a record twice is harmless: a run is tagged with its record's id, and a partly sent run is completed.
"""

import fcntl
import json
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import chdir, closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

os.environ.update({"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"})
os.environ.update({"MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"})
for _name, _value in {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}.items():
    os.environ.setdefault(_name, _value)  # read when mlflow is imported; an unreachable server then fails soon

from mlflow.entities import Metric, Run  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.tracking import MlflowClient  # noqa: E402
from sqlalchemy.exc import SQLAlchemyError  # noqa: E402

from reset.tracking import logged, repro_run  # noqa: E402

EXPERIMENT = "reset"
ARTIFACTS = "mlruns"  # relative to the project's folder
RECORD_TAG = "reset.record"
REPRO_TAG = "reset.repro"


def send_all(root: Path) -> str:
    """Send all records under `root`/.tracking; return a one-line summary, also if the server fails."""
    root = root.resolve()
    spool = root / ".tracking"
    uri = os.environ.get("MLFLOW_TRACKING_URI") or _own_store(root)
    with _lock(spool), chdir(root):
        records = sorted(spool.glob("*.json"))
        try:
            sent = _send_each(uri, root, records)
        except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
            waiting = sum(path.exists() for path in records)
            failed = f"{_without_password(uri)} failed ({_first_line(error)})"
            return f"Warning: tracking: {failed}; {waiting} records wait in {spool}"
    return f"tracking: {sent} runs sent to {_without_password(uri)}"


def _own_store(root: Path) -> str:
    return f"sqlite:///{root.resolve()}/mlflow.db"


@contextmanager
def _lock(spool: Path) -> Iterator[None]:
    """Allow one sender at a time; the lock is released when its process ends."""
    with (spool / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _send_each(uri: str, root: Path, records: list[Path]) -> int:
    client = MlflowClient(tracking_uri=uri)
    experiment = _experiment(client)
    if uri == _own_store(root):
        _keep_artifacts_here(root, experiment)
    sent = 0
    for path in records:
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:  # not JSON: keep the file, but do not try it again
            path.rename(path.with_suffix(".broken"))
            continue
        _send(client, experiment, path.stem, record)
        path.unlink()
        sent += 1
    return sent


def _experiment(client: MlflowClient) -> str:
    """The id of our MLflow experiment, which is created if needed."""
    existing = client.get_experiment_by_name(EXPERIMENT)
    if existing is not None:
        return str(existing.experiment_id)
    return str(client.create_experiment(EXPERIMENT))


def _keep_artifacts_here(root: Path, experiment: str) -> None:
    """Let the store in the project's folder name its artifacts by `mlruns`, so that a moved or copied project has them.

    MLflow itself would write the folder's absolute path. Its page, too, has to be started in the project's folder.
    """
    with closing(sqlite3.connect(root / "mlflow.db")) as store, store:
        there = store.execute("SELECT artifact_location FROM experiments WHERE experiment_id = ?", [experiment])
        if there.fetchone() != (ARTIFACTS,):
            store.execute(
                "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", [ARTIFACTS, experiment]
            )
            store.execute(
                "UPDATE runs SET artifact_uri = ? || '/' || run_uuid || '/artifacts' WHERE experiment_id = ?",
                [ARTIFACTS, experiment],
            )


def _send(client: MlflowClient, experiment: str, record_id: str, record: Mapping[str, Any]) -> None:
    parent = _parent_run(client, experiment, record)
    run_id = _stage_run(client, experiment, record_id, record, parent)
    logged.inputs(client, run_id, record)
    model = logged.model(client, experiment, run_id, record)
    repro_run.log(client, run_id, record["params"], _metrics(record, model))
    logged.answers(client, run_id, record)
    for name, text in record["artifacts"].items():
        client.log_text(run_id, text, repro_run.artifact(name))
    client.set_terminated(run_id, record["status"], end_time=repro_run.ms(record["end"]))
    if parent:
        repro_run.fill(client, parent, record)


def _parent_run(client: MlflowClient, experiment: str, record: Mapping[str, Any]) -> str | None:
    """The id of the run of the `dvc repro` that the record's stage was part of; None for a stage run by hand."""
    if not (repro := record.get("repro")):
        return None
    existing: list[Run] = client.search_runs([experiment], f"tags.`{REPRO_TAG}` = '{repro}'", max_results=1)
    if existing:
        return str(existing[0].info.run_id)
    tags = {key: value for key, value in record["tags"].items() if key != "stage"} | {REPRO_TAG: repro}
    name = tags.get("dvc.experiment", "dvc repro")
    start = int(repro.partition("-")[0])
    return str(client.create_run(experiment, start_time=start, tags=tags, run_name=name).info.run_id)


def _stage_run(
    client: MlflowClient, experiment: str, record_id: str, record: Mapping[str, Any], parent: str | None
) -> str:
    """The id of this record's run: a new run, or the one that an interrupted upload created."""
    existing: list[Run] = client.search_runs([experiment], f"tags.`{RECORD_TAG}` = '{record_id}'", max_results=1)
    if existing:
        return str(existing[0].info.run_id)
    stage, name = record["stage"], record["name"]
    tags = {**record["tags"], RECORD_TAG: record_id} | ({"mlflow.parentRunId": parent} if parent else {})
    run = client.create_run(
        experiment,
        start_time=repro_run.ms(record["start"]),
        tags=tags,
        run_name=stage if name == stage else f"{stage}@{name}",
    )
    return str(run.info.run_id)


def _metrics(record: Mapping[str, Any], model: str | None) -> Iterator[Metric]:
    """The figures of a record, those of its end also as the model's; then its history."""
    end = repro_run.ms(record["end"])
    for key, value in record["metrics"].items():
        yield Metric(repro_run.key(key), value, end, 0, model_id=model)
    for row in record["history"]:
        for key in row.keys() - {"step"}:
            yield Metric(repro_run.key(key), row[key], end, int(row.get("step", 0)))


def _without_password(uri: str) -> str:
    """The address without user name and password."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.hostname}:{parts.port}" if parts.username else uri


def _first_line(error: Exception) -> str:
    """The first line of a message, without user names and passwords in addresses, at most 200 characters."""
    return re.sub(r"//[^/@\s]*@", "//", str(error).partition("\n")[0])[:200]
