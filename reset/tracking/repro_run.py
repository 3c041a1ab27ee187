"""What an MLflow run is filled with, and what the parent run of a `dvc repro` gets from the record of its report.

Imported by `reset.tracking.upload` alone, which sets MLflow's environment first.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient

from reset.tracking import figures

BATCH = 100  # parameters a request may hold
MAX_PARAM_CHARS = 6000
TABLES = ("overview", "systems", "differences")  # of metrics/report; shown as tables by MLflow's page
LEFT_OUT = "datasets."  # parameters that would bury the others; params.yaml itself is an artifact


def log(client: MlflowClient, run_id: str, params: Mapping[str, str], metrics: Iterable[Metric]) -> None:
    """Log parameters and metrics, in as many requests as MLflow's limits ask for."""
    given = [Param(key(name), value[:MAX_PARAM_CHARS]) for name, value in params.items()]
    for start in range(0, len(given), BATCH):
        client.log_batch(run_id, params=given[start : start + BATCH])
    points = list(metrics)
    for start in range(0, len(points), 10 * BATCH):
        client.log_batch(run_id, metrics=points[start : start + 10 * BATCH])


def fill(client: MlflowClient, run_id: str, record: Mapping[str, Any]) -> None:
    """Put what `record` says of its `dvc repro` into the parent run, which ends when its last stage does."""
    if record["stage"] == "report":
        texts = {Path(name).name: text for name, text in record["artifacts"].items()}
        content = yaml.safe_load(texts.get("params.yaml", "{}"))
        params = {name: text for name, text in figures.flatten(content).items() if not name.startswith(LEFT_OUT)}
        log(client, run_id, params, _scores(texts, ms(record["end"])))
        for name in TABLES:
            if rows := json.loads(texts.get(f"{name}.json", "[]")):
                flat = [figures.flatten(row) for row in rows]
                client.log_table(
                    run_id, {column: [row.get(column) for row in flat] for column in flat[0]}, f"{name}.json"
                )
        for name, text in record["artifacts"].items():
            if Path(name).stem not in TABLES:
                client.log_text(run_id, text, artifact(name))
        for page in record.get("pages", ()):
            if Path(page).is_file():
                client.log_artifact(run_id, page)
    known = client.get_run(run_id).info.status
    status = "FAILED" if "FAILED" in (known, record["status"]) else record["status"]
    client.set_terminated(run_id, status, end_time=ms(record["end"]))


def _scores(texts: Mapping[str, str], end: int) -> Iterator[Metric]:
    """The macro averages of every system, as `mtl_reset.faithfulness_unseen`."""
    for row in json.loads(texts.get("overview.json", "[]")):
        system = row.pop("system")
        for name, value in figures.numbers(row).items():
            yield Metric(key(f"{system}.{name}"), value, end, 0)


def ms(seconds: float) -> int:
    """Seconds as MLflow's milliseconds."""
    return int(seconds * 1000)


def key(name: str) -> str:
    """A name as MLflow allows it."""
    return re.sub(r"[^\w\-. :/]", "_", name)[:250]


def artifact(name: str) -> str:
    """A path inside the run, whatever the path outside was."""
    return "/".join(part for part in Path(name).parts if part not in ("/", "..", "."))
