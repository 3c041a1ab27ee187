"""Log to MLflow runs; the parent run of a `dvc repro` gets its content from the record of the stage `report`.

Imported only by `reset.tracking.upload`, which first sets MLflow's environment variables.
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

BATCH = 100  # MLflow's limit of parameters in a request
MAX_PARAM_CHARS = 6000
TABLES = ("overview", "systems", "differences")  # of metrics/report; MLflow's page shows them as tables
LEFT_OUT = "datasets."  # these parameters would crowd out the others; params.yaml is an artifact of the run anyway


def log(client: MlflowClient, run_id: str, params: Mapping[str, str], metrics: Iterable[Metric]) -> None:
    """Log parameters and metrics, split into requests within MLflow's limits."""
    entries = [Param(key(name), value[:MAX_PARAM_CHARS]) for name, value in params.items()]
    for start in range(0, len(entries), BATCH):
        client.log_batch(run_id, params=entries[start : start + BATCH])
    points = list(metrics)
    for start in range(0, len(points), 10 * BATCH):
        client.log_batch(run_id, metrics=points[start : start + 10 * BATCH])


def fill(client: MlflowClient, run_id: str, record: Mapping[str, Any]) -> None:
    """Log `record` to the parent run of its `dvc repro` if it is the report's; set the parent's status and end time."""
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
    former_status = client.get_run(run_id).info.status
    status = "FAILED" if "FAILED" in (former_status, record["status"]) else record["status"]
    client.set_terminated(run_id, status, end_time=ms(record["end"]))


def _scores(texts: Mapping[str, str], end: int) -> Iterator[Metric]:
    """The macro averages of every system, named like `mtl_reset.faithfulness_unseen`."""
    for row in json.loads(texts.get("overview.json", "[]")):
        system = row.pop("system")
        for name, value in figures.numbers(row).items():
            yield Metric(key(f"{system}.{name}"), value, end, 0)


def ms(seconds: float) -> int:
    """Convert seconds to MLflow's milliseconds."""
    return int(seconds * 1000)


def key(name: str) -> str:
    """Replace the characters that MLflow forbids in names, and cut to 250 characters."""
    return re.sub(r"[^\w\-. :/]", "_", name)[:250]


def artifact(name: str) -> str:
    """Turn a path on disk into a relative path inside the run."""
    return "/".join(part for part in Path(name).parts if part not in ("/", "..", "."))
