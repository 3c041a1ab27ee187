"""The log of `dvc repro`: what runs, what has failed, how long it took, and whether its process still lives."""

import json
import os
import time
from pathlib import Path

import pytest

from reset.files.stage_times import LOG
from reset.status import run_log


@pytest.fixture
def writer(tmp_path: Path) -> run_log.Writer:
    """The log of a project of scale `micro`, in which this process has begun a run."""
    (tmp_path / "params.yaml").write_text("scale: micro\n")
    writer = run_log.Writer(tmp_path)
    writer.begin()
    return writer


def test_a_run_tells_what_is_at_work_what_failed_and_how_long_stages_took(
    writer: run_log.Writer, tmp_path: Path
) -> None:
    for stage, end in (("mix@a", "done"), ("train@a", "failed"), ("judge@a", None)):
        writer.add("stage", stage=stage)
        if end:
            writer.add(end, stage=stage, ran=True)
    run = run_log.read(tmp_path, {})
    assert (run.alive, run.ended, list(run.running), run.failed) == (True, None, ["judge@a"], ["train@a"])
    assert 0 <= run.seconds["mix@a"] < 60 and list(run.seconds) == ["mix@a"]
    writer.add("end")
    assert not run_log.read(tmp_path, {}).alive


def test_a_clock_that_jumps_makes_no_run_dead_and_no_time_negative(
    writer: run_log.Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.add("stage", stage="mix@a")
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    writer.add("done", stage="mix@a", ran=True)
    run = run_log.read(tmp_path, {})
    assert run.alive and 0 <= run.seconds["mix@a"] < 60


def test_a_number_that_another_process_has_got_is_no_run_that_goes_on(writer: run_log.Writer, tmp_path: Path) -> None:
    path = tmp_path / LOG
    line = json.loads(path.read_text())
    path.write_text(json.dumps({**line, "start": line["start"] - 1}) + "\n")
    assert not run_log.read(tmp_path, {}).alive


def test_times_of_another_scale_do_not_count(writer: run_log.Writer, tmp_path: Path) -> None:
    writer.add("stage", stage="mix@a")
    writer.add("done", stage="mix@a", ran=True)
    (tmp_path / "params.yaml").write_text("scale: paper\n")
    assert run_log.read(tmp_path, {}).seconds == {}


def test_what_another_living_dvc_has_locked_runs_and_a_dead_one_s_lock_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("scale: micro\n")
    path = tmp_path / run_log.LOCKS
    path.parent.mkdir(parents=True)
    for pid, running in ((os.getppid(), ["mix@a"]), (2**22 + 1, [])):
        path.write_text(json.dumps({"write": {str(tmp_path / "data/mixtures/a.parquet"): {"pid": pid}}}))
        run = run_log.read(tmp_path, {"data/mixtures/a.parquet": "mix@a"})
        assert (run.alive, list(run.running)) == (bool(running), running)


def test_only_the_last_lines_of_earlier_runs_are_kept(
    writer: run_log.Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_log, "KEPT", 3)
    for number in range(10):
        writer.add("stage", stage=f"mix@{number}")
    writer.begin()
    assert len((tmp_path / LOG).read_text().splitlines()) == 4
