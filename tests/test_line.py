"""The whole line, run for real in a clone of its own: scale `smoke`, then what a change reruns, push and pull.

Its models are trained for a few steps, and of systems that differ in their rows alone some are left out.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reset import params
from tests.support.clones import clone, commit, ran, run
from tests.support.fewer import write_only
from tests.test_document_commands import RESET_LM

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]
SYSTEMS = ("base", "cd_if_50", "mtl", "mtl_reset", "mtl_reset_2", "mtl_random", "mtl_dpo")
READING = ("check", "diff", "doctor", "export", "grid", "label", "plan", "status", "tidy", "tradeoff")
ELSEWHERE = ("HEAD", "main", "--read", "--watch")  # other commits; what a browser writes; no end
ALL = """
import json, sys
from reset.cli.main import main
for words in json.load(sys.stdin):
    print("$", *words, flush=True)
    try:
        main(words, standalone_mode=False)
    except SystemExit as left:
        assert not left.code, (words, left.code)
"""  # one process, so that libraries are imported once


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = clone(tmp_path_factory.mktemp("smoke"))
    compose(folder)
    run(folder, sys.executable, "-m", "reset.cli.main", "tidy", "--yes")  # the committed figures of the other systems
    run(folder, "dvc", "repro")
    commit(folder)
    return folder


def compose(folder: Path, *overrides: str) -> None:
    run(folder, sys.executable, "-m", "reset.cli.compose", "scale=smoke", *overrides)
    write_only(folder / "params.yaml", SYSTEMS)


def test_every_system_has_scores_and_every_row_is_accounted_for(line: Path) -> None:
    systems = {path.stem for path in (line / "metrics/systems").glob("*.json")}
    assert systems == set(params.load(line / "params.yaml").evaluate.systems)
    assert systems == {*SYSTEMS}
    accounts = [json.loads(path.read_text()) for path in (line / "metrics").rglob("*.json") if path.parent != line]
    balanced = [a["rows_in"] == a["rows_out"] + sum(a["set_aside"].values()) for a in accounts if "rows_in" in a]
    assert len(balanced) > 60
    assert all(balanced)


def test_second_repro_runs_nothing(line: Path) -> None:
    assert ran(run(line, "dvc", "repro")) == set()


def test_the_documents_commands_that_read_a_run_work_on_this_one(line: Path) -> None:
    asked = {tuple(words[1:]) for words in RESET_LM if words[1] in READING and not set(words) & {*ELSEWHERE}}
    asked = {words for words in asked if not words[-1].startswith("HEAD") and "mtl_reset_3" not in words}
    assert {words[0] for words in asked} == {*READING}
    shown = subprocess.run(
        [sys.executable, "-c", ALL],
        **{"cwd": line, "input": json.dumps(sorted(asked)), "capture_output": True, "text": True, "check": False},
        env={**os.environ, "PYTHONPATH": str(line)},
    )
    assert shown.returncode == 0, shown.stdout[-2000:] + shown.stderr[-3000:]
    assert shown.stdout.count("$ ") >= len(asked)


def test_other_weight_reruns_selection_and_figures_but_neither_sampling_nor_judging(line: Path) -> None:
    compose(line, "objectives.faithfulness.weight=3.0")
    stages = ran(run(line, "dvc", "repro", "--dry"))
    assert stages >= {f"select@{n}" for n in ("reset", "reset_2", "random", "pairs")}
    assert {stage.partition("@")[0] for stage in stages} == {"identify", "select", "evaluate", "watch", "report"}
    compose(line)


def test_other_nli_setting_reruns_its_judge_alone(line: Path) -> None:
    compose(line, "judges.summac.options.max_doc_sents=5")
    assert ran(run(line, "dvc", "repro", "identify")) == {"identify@summac"}  # a dry run cannot know what it will write
    stages = ran(run(line, "dvc", "repro", "--dry"))
    assert {stage.split("-")[0] for stage in stages} == {"judge@summac"}
    compose(line)
    run(line, "dvc", "repro", "identify")


def test_other_temperatures_rerun_the_candidates_alone(line: Path) -> None:
    compose(line, "decode.intent.temperatures=[0.2,0.9]")
    stages = ran(run(line, "dvc", "repro", "--dry"))
    assert stages == {"sample@mtl_candidates", "sample@mtl_reset_candidates"}
    compose(line)


def test_plots_are_drawn_and_metrics_differ_between_commits(line: Path) -> None:
    shown = run(line, "dvc", "plots", "show")
    assert "index.html" in shown
    assert "reset" in run(line, "dvc", "metrics", "show")


def test_after_push_and_pull_another_clone_has_nothing_to_do(line: Path, tmp_path: Path) -> None:
    remote, other = tmp_path / "remote", tmp_path / "other"
    run(line, "dvc", "remote", "add", "--default", "--force", "--local", "store", str(remote))
    run(line, "dvc", "push")
    run(tmp_path, "git", "clone", "-q", str(line), str(other))
    run(other, "dvc", "remote", "add", "--default", "--local", "store", str(remote))
    run(other, "dvc", "pull")
    assert ran(run(other, "dvc", "repro")) == set()
