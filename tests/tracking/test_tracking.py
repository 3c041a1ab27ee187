"""Each stage run becomes one MLflow run, and nothing that happens to tracking happens to a stage."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reset import tracking
from reset.files import tables
from reset.runs.launcher import free_port
from reset.tracking import figures
from tests.support import ROOT
from tests.support.mlflow_server import mlflow_ui, upload

pytestmark = pytest.mark.slow


def records(project: Path) -> list[dict[str, object]]:
    return [json.loads(path.read_text()) for path in sorted((project / ".tracking").glob("*.json"))]


def one_run(project: Path, stage: str = "select", name: str = "reset") -> None:
    metrics = project / f"metrics/{stage}/{name}.json"
    params = {"weights": {"task": 1.0, "faithfulness": 2.0}, "top_ks": [5, 10], "pick": "best"}
    with tracking.run(stage, name, params, metrics=metrics, history=project / "log.json"):
        tables.write_json(metrics, {"rows_in": 10, "set_aside": {"too long": 3}, "picked": "best"})


def test_two_stage_runs_are_read_back_from_the_store(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "log.json").write_text('[{"step": 1, "loss": 2.5, "system": "mtl"}, {"step": 2, "loss": 1.5}]')
    monkeypatch.setenv("DVC_EXP_NAME", "deep-fish")
    one_run(project)
    with pytest.raises(ValueError, match="no memory"), tracking.run("train", "mtl", {"lr": 1e-5}):
        raise ValueError("no memory")

    done = upload(project, new=True)
    assert (done.returncode, done.stdout) == (0, f"tracking: 2 runs sent to sqlite:///{project}/mlflow.db\n")
    assert records(project) == []

    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    experiment = client.get_experiment_by_name("reset")
    train, select = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time DESC"])
    assert (select.info.run_name, select.info.status) == ("select@reset", "FINISHED")
    assert (train.info.run_name, train.info.status) == ("train@mtl", "FAILED")
    assert select.data.params["weights.faithfulness"] == "2.0"
    assert select.data.params["top_ks"] == "[5, 10]"
    assert select.data.metrics == {"rows_in": 10.0, "set_aside.too long": 3.0, "loss": 1.5}
    assert [(point.step, point.value) for point in client.get_metric_history(select.info.run_id, "loss")] == [
        (1, 2.5),
        (2, 1.5),
    ]
    assert (select.data.tags["stage"], select.data.tags["dvc.experiment"]) == ("select", "deep-fish")
    kept = client.download_artifacts(select.info.run_id, "", str(project))
    assert next(Path(kept).rglob("reset.json")).read_text() == (project / "metrics/select/reset.json").read_text()


def test_moved_project_finds_its_files_and_writes_new_ones_beside_them(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    one_run(project)
    upload(project)
    moved = tmp_path_factory.mktemp("elsewhere") / "moved"
    shutil.move(project, moved)
    monkeypatch.chdir(moved)
    one_run(moved)
    assert upload(moved).stdout == f"tracking: 1 runs sent to sqlite:///{moved}/mlflow.db\n"
    client = MlflowClient(f"sqlite:///{moved}/mlflow.db")
    runs = client.search_runs([client.get_experiment_by_name("reset").experiment_id])
    for run in runs:
        assert [*Path(client.download_artifacts(run.info.run_id, "")).rglob("reset.json")]
    assert len(runs) == 2 and not project.exists()


def test_run_is_tagged_with_the_git_commit(project: Path) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    one_run(project)
    assert records(project)[0]["tags"] == {
        "stage": "select",
        "git.commit": commit,
        "mlflow.source.git.commit": commit,
    }


def test_uploading_twice_makes_no_second_run(project: Path) -> None:
    one_run(project)
    record = next((project / ".tracking").glob("*.json"))
    text = record.read_text()
    upload(project)
    record.write_text(text)  # as after a crash between the last request and the deletion
    upload(project)

    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    assert len(client.search_runs([client.get_experiment_by_name("reset").experiment_id])) == 1


@pytest.mark.parametrize("scheme", ["http", "sqlite"])
def test_dead_store_leaves_the_record_and_says_so_in_one_line(project: Path, scheme: str) -> None:
    one_run(project)
    (project / "broken.db").write_text("no database")
    uri = f"http://user:hunter2@127.0.0.1:{free_port()}" if scheme == "http" else f"sqlite:///{project}/broken.db"
    done = upload(project, uri)
    assert done.returncode == 0
    assert done.stdout.startswith(f"Warning: tracking: {scheme}://")
    assert done.stdout.endswith(f"1 records wait in {project}/.tracking\n")
    assert "hunter2" not in done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == 1
    assert len(records(project)) == 1


def test_nothing_to_send_starts_no_store(project: Path) -> None:
    assert upload(project).stdout == "tracking: nothing to send\n"
    assert not (project / "mlflow.db").exists()


def test_tracking_off_writes_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tracking.run("select", "reset", {}, enabled=False):
        pass
    monkeypatch.setenv("RESET_TRACKING", "0")
    with tracking.run("select", "reset", {}):
        pass
    assert list(project.iterdir()) == []


def test_experiment_in_a_folder_of_its_own_records_in_the_project(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = project / ".dvc/tmp/exps/1"
    elsewhere.mkdir(parents=True)
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("DVC_ROOT", str(project))
    one_run(elsewhere)
    assert len(records(project)) == 1
    assert not (elsewhere / ".tracking").exists()


@pytest.fixture
def repro(project: Path) -> Path:
    """A program named dvc that runs an evaluation and a report as its stages, and a failing stage if told so."""
    stages = """
import sys
import time
from pathlib import Path
from reset import tracking
from reset.files import tables
tables.write_json(Path("overview.json"), [{"system": "mtl", "faithfulness_unseen": float(sys.argv[1]), "oracle": None}])
Path("index.html").write_text("<p>page</p>" * 200_000)
Path("params.yaml").write_text("seed: 3\\ndatasets: {nq: {path: null}}\\nselect: {weights: {task: 1.0}}\\n")
if sys.argv[2] == "evaluate":
    with tracking.run("evaluate", "mtl", {}):
        pass
else:
    names = ["params.yaml", "overview.json"]
    with tracking.run("report", "report", {}, artifacts=[Path(name) for name in names], pages=[Path("index.html")]):
        pass
"""
    program = project / "dvc"
    program.write_text(
        "import subprocess, sys\n"
        "for stage in ('evaluate', 'report'):\n"
        f"    subprocess.run([sys.executable, '-c', {stages!r}, sys.argv[1], stage], check=True)\n"
    )
    return program


def test_stages_of_one_repro_stand_below_a_run_with_all_scores_tables_and_the_page(project: Path, repro: Path) -> None:
    code = {**os.environ, "PYTHONPATH": str(ROOT)}
    for value in ("0.5", "0.75"):
        subprocess.run([sys.executable, str(repro), value], cwd=project, env=code, check=True)
    assert upload(project).stdout.startswith("tracking: 4 runs sent")

    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    found = client.search_runs([client.get_experiment_by_name("reset").experiment_id], order_by=["start_time"])
    parents = [run for run in found if run.info.run_name == "dvc repro"]
    assert [run.data.metrics for run in parents] == [{"mtl.faithfulness_unseen": value} for value in (0.5, 0.75)]
    below = [
        {r.info.run_name for r in found if r.data.tags.get("mlflow.parentRunId") == p.info.run_id} for p in parents
    ]
    assert below == [{"evaluate@mtl", "report"}] * 2
    assert parents[0].data.params == {"seed": "3", "select.weights.task": "1.0"}
    assert parents[0].info.status == "FINISHED"
    assert {file.path for file in client.list_artifacts(parents[0].info.run_id)} == {
        *("index.html", "overview.json", "params.yaml"),
    }
    table = client.load_table(parents[0].info.experiment_id, "overview.json", [parents[0].info.run_id])
    assert list(table["faithfulness_unseen"]) == [0.5]


def test_record_that_cannot_be_written_warns_and_lets_the_stage_end(
    project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (project / ".tracking").write_text("in the way")
    one_run(project)
    assert "tracking: the run of select is not recorded" in caplog.text


def test_secrets_and_the_environment_are_not_recorded(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-hunter2")
    with tracking.run("judge", "rater", {"api_key": "sk-hunter2", "api_key_env": "OPENAI_API_KEY", "max_tokens": 9}):
        pass
    (record,) = records(project)
    assert record["params"] == {"api_key_env": "OPENAI_API_KEY", "max_tokens": "9"}
    assert "hunter2" not in json.dumps(record)


def test_figures_that_are_no_numbers_are_left_to_the_file() -> None:
    assert figures.numbers({"a": {"b": 1, "c": None, "d": [1, 2]}, "e": float("nan"), "f": True}) == {
        "a.b": 1.0,
        "f": 1.0,
    }


def test_interrupted_stage_is_recorded_as_killed(project: Path) -> None:
    with pytest.raises(KeyboardInterrupt), tracking.run("sample", "mtl", {}):
        raise KeyboardInterrupt
    assert records(project)[0]["status"] == "KILLED"


def test_a_clock_that_is_set_back_during_a_stage_leaves_it_no_negative_time(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tracking.run("select", "a", {}):
        monkeypatch.setattr(time, "time", lambda: 1000.0)
    (record,) = records(project)
    assert 0 <= float(str(record["end"])) - float(str(record["start"])) < 60


def test_importing_tracking_loads_no_mlflow() -> None:
    code = "import sys, reset.tracking; print([m for m in ('mlflow', 'torch', 'pandas') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


@pytest.mark.skipif(not shutil.which("chromium") or not shutil.which("chromedriver"), reason="needs Chromium")
def test_mlflow_ui_shows_the_run_in_a_browser(project: Path) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    from tests.support.browser import chromium

    one_run(project)
    upload(project)
    with mlflow_ui(project) as address, chromium() as browser:
        browser.get(f"{address}/#/experiments/1/runs")
        WebDriverWait(browser, 60).until(lambda page: "select@reset" in page.find_element(By.TAG_NAME, "body").text)
        browser.save_screenshot(str(project / "mlflow.png"))
