"""MLflow's own views of a stage's record: its data sets, the model that it trained, and a table of judged answers.

Imported only by `reset.tracking.upload`, which first sets MLflow's environment variables.
"""

import json
from collections.abc import Mapping
from typing import Any

from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelOutput, LoggedModelStatus
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import ENDPOINT_NOT_FOUND, ErrorCode
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT, MLFLOW_LOGGED_ARTIFACTS, MLFLOW_MODEL_IS_EXTERNAL

TYPES = {"string": "string", "int32": "integer", "int64": "long", "double": "double", "bool": "boolean"}
TABLE = "judged_answers.json"
MODEL_TYPE = "ReSet system"


def inputs(client: MlflowClient, run_id: str, record: Mapping[str, Any]) -> None:
    """Log the tables of the record as data sets of the run; their digests are DVC's content hashes."""
    if rows := record.get("data"):
        client.log_inputs(run_id, [DatasetInput(_dataset(row), _tags(row)) for row in rows])


def _dataset(row: Mapping[str, Any]) -> Dataset:
    columns = [{"name": name, "type": TYPES.get(kind, kind), "required": set_} for name, kind, set_ in row["columns"]]
    return Dataset(
        row["name"],
        row["md5"],
        source_type="local",
        source=json.dumps({"uri": row["path"]}),
        schema=json.dumps({"mlflow_colspec": columns}),
        profile=json.dumps({"num_rows": row["rows"]}),
    )


def _tags(row: Mapping[str, Any]) -> list[InputTag]:
    return [InputTag(MLFLOW_DATASET_CONTEXT, row["context"])]


def model(client: MlflowClient, experiment: str, run_id: str, record: Mapping[str, Any]) -> str | None:
    """Log the system that the record's stage trained as an external model of the run; return its id, None without one.

    The weights stay where they are; the tags name their path and DVC's hash. A server older than MLflow 3 has no such
    models, and gets none.
    """
    if not (made := record.get("model")):
        return None
    try:
        return _model(client, experiment, run_id, record, made)
    except MlflowException as error:
        if error.error_code == ErrorCode.Name(ENDPOINT_NOT_FOUND):
            return None
        raise


def _model(
    client: MlflowClient, experiment: str, run_id: str, record: Mapping[str, Any], made: Mapping[str, str]
) -> str:
    """The id of the run's model: a new one, or the one that an interrupted upload created."""
    existing = client.search_logged_models([experiment], f"source_run_id = '{run_id}'", max_results=1)
    if existing:
        found = existing[0]
    else:
        tags = {MLFLOW_MODEL_IS_EXTERNAL: "true", "dvc.path": made["path"], "dvc.md5": made["md5"]}
        tags |= {key: value for key, value in record["tags"].items() if key.startswith("git.")}
        params = {name: value[:500] for name, value in record["params"].items()}
        found = client.create_logged_model(experiment, record["name"], run_id, tags, params, MODEL_TYPE)
    client.finalize_logged_model(found.model_id, LoggedModelStatus.READY)
    client.log_outputs(run_id, [LoggedModelOutput(found.model_id, 0)])
    return str(found.model_id)


def answers(client: MlflowClient, run_id: str, record: Mapping[str, Any]) -> None:
    """Write the record's judged answers as a table that MLflow's page shows, and say how many of how many they are."""
    if table := record.get("answers"):
        content = {"columns": table["columns"], "data": table["rows"]}
        client.log_text(run_id, json.dumps(content, ensure_ascii=False), TABLE)
        client.set_tag(run_id, MLFLOW_LOGGED_ARTIFACTS, json.dumps([{"path": TABLE, "type": "table"}]))
        client.set_tag(run_id, "reset.answers", f"{len(table['rows'])} of {table['of']:,} answers are in {TABLE}")
