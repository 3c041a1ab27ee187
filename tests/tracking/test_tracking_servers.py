"""Rounds compared on MLflow's own page show what `reset-lm diff` prints; a server is used where there is one."""

import json
import shutil
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import CliRunner

from reset import tracking
from reset.cli.main import main
from reset.runs.launcher import free_port
from stages import report
from tests.support import lines
from tests.support.mlflow_server import mlflow_ui, upload

pytestmark = pytest.mark.slow


@pytest.fixture
def project(project: Path) -> Path:
    """A small finished run whose evaluations wait to be sent."""
    lines.write(project)
    for system in ("mtl", "mtl_reset"):
        with tracking.run("evaluate", system, {}, metrics=Path(f"metrics/systems/{system}.json")):
            pass
    return project


def test_dead_server_lets_the_report_end_and_its_record_wait(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    done = CliRunner().invoke(report.main, ["metrics/report"])
    assert done.exit_code == 0, done.output
    assert "Warning: tracking: http://127.0.0.1" in done.output
    assert "3 records wait in" in done.output
    assert (project / "metrics/report/index.html").is_file()


@pytest.mark.skipif(not shutil.which("chromium") or not shutil.which("chromedriver"), reason="needs Chromium")
def test_two_rounds_on_a_server_compare_on_its_page_as_in_diff(project: Path) -> None:
    from mlflow import MlflowClient
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    from tests.support.browser import chromium

    shown = CliRunner().invoke(main, ["diff", ".", "--rounds", "mtl", "mtl_reset", "--json"])
    scores = json.loads(shown.output)["scores"]
    rows = [row for row in scores if row["dataset"] is None]
    assert len(rows) > 5
    with mlflow_ui(project) as address, chromium(1400, 3000) as browser:
        assert upload(project, address).stdout == f"tracking: 2 runs sent to {address}\n"
        client = MlflowClient(address)
        experiment = client.get_experiment_by_name("reset").experiment_id
        runs = client.search_runs([experiment], order_by=["attributes.start_time"])
        metrics = [run.data.metrics for run in runs]
        assert [(row["a"], row["b"]) for row in rows] == [
            tuple(found[f"macro.{row['score']}.mean"] for found in metrics) for row in rows
        ]
        ids = quote(json.dumps([run.info.run_id for run in runs]))
        browser.get(f"{address}/#/compare-runs?runs={ids}&experiments={quote(json.dumps([experiment]))}")
        first = "datasets.alpaca.scores.instruction.mean"  # the page draws the rows that are in sight
        WebDriverWait(browser, 90).until(lambda page: first in page.find_element(By.TAG_NAME, "body").text)
        text = browser.find_element(By.TAG_NAME, "body").text
        browser.save_screenshot(str(project / "compare.png"))
    assert "Comparing 2 Runs" in text
    (row,) = [row for row in scores if (row["dataset"], row["score"]) == ("alpaca", "instruction")]
    assert {f"{row['a']:.3f}", f"{row['b']:.3f}"} <= {*text.split()}
    assert row["a"] != row["b"]
