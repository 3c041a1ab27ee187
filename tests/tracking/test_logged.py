"""MLflow gets the data sets, the trained systems and some judged answers of a run, by their hashes and once."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from reset import tracking
from reset.evidence import lineage
from reset.files import schemas, tables
from reset.tracking import judged_answers
from stages import evaluate
from tests.support import lines
from tests.support.mlflow_server import mlflow_ui, upload

pytestmark = pytest.mark.slow


def records(project: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((project / ".tracking").glob("*.json"))]


@pytest.fixture
def trained(project: Path) -> Path:
    """A small run whose evaluation, choice and training of `mtl_reset` wait to be sent."""
    lines.write(project)
    tables.write(project / "data/mixtures/mtl.dev.parquet", schemas.MIXTURES, [])
    evaluated = ["mtl_reset", "data/answers/mtl_reset.parquet", "data/prompts/test.parquet"]
    evaluated += ["data/verdicts/mtl_reset", "data/scores/mtl_reset.parquet", "metrics/systems/mtl_reset.json"]
    done = CliRunner().invoke(evaluate.main, evaluated)
    assert done.exit_code == 0, done.output

    @click.command()
    @click.argument("data", type=Path)
    @click.argument("dev", type=Path)
    @click.argument("into", type=Path)
    def train(data: Path, dev: Path, into: Path) -> None:
        with tracking.run("train", "mtl_reset", {"recipe": {"epochs": 2}}, metrics=project / "train.json"):
            (into / "tokenizer").mkdir(parents=True)
            (into / "config.json").write_text("{}")
            (into / "tokenizer/words.txt").write_text("some words")
            tables.write_json(project / "train.json", {"dev_perplexity": 2.5})

    files = ["data/curated/reset.parquet", "data/mixtures/mtl.dev.parquet", "models/mtl_reset"]
    assert CliRunner().invoke(train, files, catch_exceptions=False).exit_code == 0
    return project


def test_record_has_the_tables_and_the_model_of_its_stage_with_the_hashes_of_dvc(trained: Path) -> None:
    by_stage = {record["stage"]: record for record in records(trained)}
    train = by_stage["train"]
    told = [(row["name"], row["context"], row["rows"]) for row in train["data"]]
    assert told == [("curated/reset", "training", 24), ("mixtures/mtl.dev", "validation", 0)]
    assert train["data"][0]["md5"] == lineage.file_hash(trained / "data/curated/reset.parquet")
    assert train["model"] == {"path": "models/mtl_reset", "md5": lineage.folder_hash(trained / "models/mtl_reset")}
    read = [(row["name"], row["context"]) for row in by_stage["evaluate"]["data"]]
    assert read == [("answers/mtl_reset", "read"), ("prompts/test", "read")]
    assert by_stage["evaluate"]["model"] is None


def test_judged_answers_of_two_systems_are_to_the_same_prompts_and_not_more_than_stated(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judged_answers, "ROWS", 5)

    def of(system: str) -> dict[str, Any]:
        paths = [trained / f"data/{one}" for one in (f"answers/{system}", "prompts/test", f"scores/{system}")]
        return judged_answers.table(*(path.with_suffix(".parquet") for path in paths))

    one, two = of("mtl"), of("mtl_reset")
    assert (len(one["rows"]), one["of"]) == (5, 36)
    assert [row[0] for row in one["rows"]] == [row[0] for row in two["rows"]]
    assert one["columns"][:5] == ["example_id", "dataset", "system", "prompt", "answer"]
    assert {"faithfulness", "instruction", "task"} <= {*one["columns"]}
    assert [row[2] for row in two["rows"]] == ["mtl_reset"] * 5


def test_a_stage_that_failed_has_no_model_and_a_file_that_is_no_table_stops_nothing(project: Path) -> None:
    @click.command()
    @click.argument("data", type=Path)
    @click.argument("into", type=Path)
    def train(data: Path, into: Path) -> None:
        with tracking.run("train", "mtl", {}):
            into.mkdir(parents=True)
            raise ValueError("stop")

    (project / "data/curated").mkdir(parents=True)
    (project / "data/curated/reset.parquet").write_text("no table")
    done = CliRunner().invoke(train, ["data/curated/reset.parquet", "models/mtl"])
    assert str(done.exception) == "stop"
    (record,) = records(project)
    assert (record["data"], record["model"], record["status"]) == ([], None, "FAILED")


def shown(uri: str) -> None:
    """Assert that the store has the data sets, the model and the answers of `trained`, each once."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("reset").experiment_id
    runs = {run.info.run_name: run for run in client.search_runs([experiment])}
    train, evaluation = runs["train@mtl_reset"], runs["evaluate@mtl_reset"]
    (data, dev) = train.inputs.dataset_inputs
    path = Path("data/curated/reset.parquet")
    assert (data.dataset.name, data.dataset.digest) == ("curated/reset", lineage.file_hash(path))
    assert json.loads(data.dataset.source) == {"uri": path.as_posix()}
    assert json.loads(data.dataset.profile) == {"num_rows": 24}
    assert [tag.value for one in (data, dev) for tag in one.tags] == ["training", "validation"]
    (model,) = client.search_logged_models([experiment])
    assert (model.name, model.source_run_id, model.status) == ("mtl_reset", train.info.run_id, "READY")
    assert model.tags["dvc.md5"] == lineage.folder_hash(Path("models/mtl_reset"))
    assert [(metric.key, metric.value) for metric in model.metrics] == [("dev_perplexity", 2.5)]
    assert [one.model_id for one in train.outputs.model_outputs] == [model.model_id]
    answers = client.load_table(experiment, "judged_answers.json", [evaluation.info.run_id])
    assert (len(answers), evaluation.data.tags["reset.answers"]) == (36, "36 of 36 answers are in judged_answers.json")


def test_store_in_the_folder_gets_data_sets_model_and_answers_once_also_if_sent_twice(trained: Path) -> None:
    texts = {path: path.read_text() for path in (trained / ".tracking").glob("*.json")}
    assert upload(trained).stdout == f"tracking: 2 runs sent to sqlite:///{trained}/mlflow.db\n"
    for path, text in texts.items():
        path.write_text(text)  # as after a crash between the last request and the deletion
    upload(trained)
    shown(f"sqlite:///{trained}/mlflow.db")


@pytest.mark.skipif(not find_spec("flask"), reason="needs MLflow's server (make ui installs it)")
def test_server_gets_data_sets_model_and_answers(trained: Path) -> None:
    with mlflow_ui(trained) as address:
        assert upload(trained, address).stdout == f"tracking: 2 runs sent to {address}\n"
        shown(address)


@pytest.mark.skipif(not shutil.which("chromium") or not shutil.which("chromedriver"), reason="needs Chromium")
def test_the_page_of_mlflow_shows_the_data_set_and_the_system(trained: Path) -> None:
    from mlflow import MlflowClient
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    from tests.support.browser import chromium

    upload(trained)
    client = MlflowClient(f"sqlite:///{trained}/mlflow.db")
    experiment = client.get_experiment_by_name("reset").experiment_id
    (run,) = client.search_runs([experiment], "attributes.run_name = 'train@mtl_reset'")
    with mlflow_ui(trained) as address, chromium(1400, 1200) as browser:
        for place, words in ((f"runs/{run.info.run_id}", "curated/reset"), ("models", "mtl_reset")):
            browser.get(f"{address}/#/experiments/{experiment}/{place}")
            WebDriverWait(browser, 60).until(lambda page, w=words: w in page.find_element(By.TAG_NAME, "body").text)
            browser.save_screenshot(str(trained / f"{place.partition('/')[0]}.png"))
