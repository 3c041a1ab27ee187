"""The time left rests on stages that ran here, else on the plan, else on the committed run."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from reset import params
from reset.cli.status import text
from reset.files.stage_times import LOG
from reset.status import pipeline, run_log, run_status
from reset.status.left import Work
from reset.status.pace import COMMITTED, Estimate, Pace, committed
from tests.support import ROOT

P = params.load(ROOT / "params.yaml")
STAGES = {
    stage.name: stage
    for stage in pipeline.stages(pipeline.load_yaml(ROOT / "dvc.yaml"), pipeline.load_yaml(ROOT / "params.yaml"))
}


def pace(here: Mapping[str, float], there: Mapping[str, float]) -> Pace:
    return Pace(Work(P), STAGES, here, there)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone in which nothing was run."""
    for name in ("dvc.yaml", "params.yaml", str(COMMITTED)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_before_anything_ran_every_stage_of_the_default_scale_has_a_figure(project: Path) -> None:
    now = run_status.read(project)
    assert (now.unknown, now.basis) == (0, ("committed run",))
    whole = sum(json.loads(COMMITTED.read_text())["seconds"].values())
    assert now.seconds_left == pytest.approx(whole, rel=0.1)
    assert text(now).splitlines()[0].endswith(" min left, by the committed run's stages")


def test_the_committed_run_says_nothing_of_another_scale(project: Path) -> None:
    content = yaml.safe_load((project / "params.yaml").read_text())
    (project / "params.yaml").write_text(yaml.safe_dump({**content, "scale": "mine"}, sort_keys=False))
    assert committed(project, "mine") == {} and committed(project, "micro")
    assert text(run_status.read(project)).splitlines()[0].endswith("time left not known: 136 stages without a figure")


def test_a_kind_without_a_figure_is_counted_beside_the_time_of_the_others(project: Path) -> None:
    content = json.loads(COMMITTED.read_text())
    content["seconds"] = {name: 60.0 for name in content["seconds"] if not name.startswith(("watch@", "select@"))}
    COMMITTED.write_text(json.dumps(content))
    assert text(run_status.read(project)).splitlines()[0].endswith("; 6 stages without a figure")


def test_what_ran_here_comes_first_and_says_how_much_slower_this_machine_is() -> None:
    slow = pace({"base@micro": 200.0}, {"base@micro": 100.0, "base@micro_nli": 70.0, "screen": 3.0})
    assert slow.of(STAGES["base@micro"]) == Estimate(200.0, "last runs")
    assert slow.of(STAGES["base@micro_nli"]) == Estimate(200.0, "last runs")  # of its kind
    assert slow.of(STAGES["screen"]) == Estimate(6.0, "committed run")
    assert slow.of(STAGES["report"]) is None


def test_a_stage_without_rows_takes_what_it_took_and_one_with_rows_what_its_rows_take() -> None:
    here = pace({"base@micro": 200.0, "base@micro_nli": 100.0, "sample@mtl": 10.0}, {})
    assert here.of(STAGES["base@micro_nli"]) == Estimate(100.0, "last runs")
    many, few = (Work(P).of(STAGES[f"sample@{pool}"]) or 0.0 for pool in ("mtl_candidates", "mtl"))
    found = here.of(STAGES["sample@mtl_candidates"])
    assert found and found.seconds == pytest.approx(10.0 * many / few)


def test_a_run_that_goes_on_names_both_that_of_most_seconds_first(project: Path) -> None:
    log = run_log.Writer(project)
    log.begin()
    lines = [{"what": "stage", "clock": 0.0}, {"what": "done", "clock": 2.0, "ran": True}]
    with (project / LOG).open("a") as stream:
        stream.writelines(json.dumps({"at": 0.0, "stage": "fetch@nq", **line}) + "\n" for line in lines)
    now = run_status.read(project)
    assert now.basis == ("committed run", "last runs")
    assert "by the committed run's stages and the last runs of such stages" in text(now).splitlines()[0]
