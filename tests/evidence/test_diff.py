"""Two runs side by side: what differs is said, what does not is not, from folders, commits and remotes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner, Result

from reset import tracking
from reset.cli.main import main
from reset.evidence import gate
from reset.files import schemas, tables
from reset.report import words
from tests.support import lines
from tests.support.clones import initialise

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run, and another with another weight, other winners and a better system."""
    a, b = (tmp_path_factory.mktemp(name) for name in "ab")
    lines.write(a)
    lines.write(b, best="k50", gain=0.4)
    text = (b / "params.yaml").read_text()
    (b / "params.yaml").write_text(text.replace("weight: 2.0", "weight: 3.0", 1))
    return a, b


def cli(*arguments: Any) -> Result:
    return CliRunner().invoke(main, ["diff", *map(str, arguments)])


def told(*arguments: Any) -> dict[str, Any]:
    shown = cli(*arguments, "--json")
    assert shown.exit_code == 0, shown.output
    found: dict[str, Any] = json.loads(shown.output)
    return found


def test_parameter_that_differs_is_named_alone(runs: tuple[Path, Path]) -> None:
    assert told(*runs)["params"] == [{"key": "objectives.faithfulness.weight", "a": "2.0", "b": "3.0"}]


def test_score_differences_are_b_minus_a_and_those_of_the_metrics(runs: tuple[Path, Path]) -> None:
    rows = {(row["system"], row["dataset"], row["score"]): row for row in told(*runs)["scores"]}
    row = rows["mtl_reset", None, "faithfulness_seen"]
    means = [
        json.loads((run / "metrics/systems/mtl_reset.json").read_text())["macro"]["faithfulness_seen"]["mean"]
        for run in runs
    ]
    assert (row["a"], row["b"]) == tuple(means)
    assert row["difference"] == pytest.approx(0.1)
    assert (row["low"], row["high"], row["p"]) == (None, None, None)  # every prompt gained 0.1
    assert (row["p_holm"], row["prompts"]) == (None, 12)
    assert rows["mtl", None, "faithfulness_seen"]["difference"] == 0.0
    assert rows["mtl", None, "faithfulness_seen"]["p_holm"] is None
    assert "p_holm" not in rows["mtl_reset", None, "faithfulness_abstractive"]
    assert rows["mtl_reset", "nq", "task"]["difference"] == pytest.approx(0.05)


def test_tables_are_compared_by_id(runs: tuple[Path, Path], tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(runs[0], other)
    path = other / "data/examples/nq/train.parquet"
    rows = list(tables.read(path, schemas.EXAMPLES))
    rows[3]["question"] = "Another one?"
    tables.write(path, schemas.EXAMPLES, [lines.example("nq", "train", 99), *reversed(rows[2:])])
    found = {row["table"]: row for row in told(runs[0], other)["tables"]}
    assert [name for name, row in found.items() if not row["equal"]] == ["data/examples/nq/train.parquet"]
    row = found["data/examples/nq/train.parquet"]
    assert (row["added"], row["gone"], row["changed"]) == (1, 2, 1)
    assert row["columns"] == {"question": 1}
    assert row["ids"] == {"added": ["nq/train/99"], "gone": ["nq/train/0", "nq/train/1"], "changed": ["nq/train/3"]}


def test_winners_settings_and_judges_that_moved_are_counted(runs: tuple[Path, Path]) -> None:
    found = told(*runs)
    (winners,) = found["winners"]
    assert (winners["both"], winners["changed"]) == (24, 24)
    assert {row["setting"]: (row["a"], row["b"]) for row in winners["settings"]} == {"t0.1": (24, 0), "k50": (0, 24)}
    assert winners["prompts"][0]["b"]["response"].startswith("Said by k50")
    moved = {(row["pool"], row["verdict"]): row for row in found["judges"]}
    assert (moved["mtl_candidates", "summac"]["up"], moved["mtl_candidates", "summac"]["down"]) == (12, 12)
    assert moved["mtl_reset", "rating"]["mean"] == pytest.approx(0.1)


def test_winner_of_several_answers_is_the_best_of_them(tmp_path: Path) -> None:
    sides = [lines.write(tmp_path / side, best=best) for side, best in (("a", "t0.1"), ("b", "k50"))]
    for side in sides:
        lines.choose(side, "reset", "weighted")
    (winners,) = told(*sides)["winners"]
    assert {row["setting"]: (row["a"], row["b"]) for row in winners["settings"]} == {"t0.1": (24, 0), "k50": (0, 24)}


def test_run_against_itself_differs_in_nothing(runs: tuple[Path, Path]) -> None:
    found = told(runs[0], runs[0])
    assert found["params"] == []
    assert {row["difference"] for row in found["scores"]} == {0.0}
    assert all(row["equal"] for row in found["tables"])
    assert len(found["tables"]) > 15
    assert found["winners"][0]["changed"] == 0
    assert {row["up"] + row["down"] for row in found["judges"]} == {0}


def test_two_systems_of_one_run_are_set_side_by_side(runs: tuple[Path, Path]) -> None:
    found = told(runs[0], runs[0], "--rounds", "mtl", "mtl_reset")
    assert {row["system"] for row in found["scores"]} == {"mtl_reset against mtl"}
    row = next(row for row in found["scores"] if row["score"] == "faithfulness")
    assert row["difference"] == pytest.approx(0.3)
    assert {(row["was"], row["is"]) for row in found["tables"]} >= {
        ("data/answers/mtl.parquet", "data/answers/mtl_reset.parquet"),
        (None, "data/curated/reset.parquet"),
    }
    refused = cli(runs[0], runs[0], "--rounds", "mtl", "mtl_rest")
    assert refused.exit_code == 1
    assert "has no system 'mtl_rest'. Did you mean 'mtl_reset'?" in refused.output


def test_rows_of_a_mixture_are_set_beside_curated_ones_by_the_columns_of_both(
    runs: tuple[Path, Path], tmp_path: Path
) -> None:
    run = shutil.copytree(runs[0], tmp_path / "run")
    rows = list(tables.read(run / "data/curated/reset.parquet", schemas.CURATED))
    mixed = [{name: row[name] for name in schemas.MIXTURES.names} for row in rows]
    mixed[0]["response"] = "Another one."
    tables.write(run / "data/mixtures/mtl.parquet", schemas.MIXTURES, mixed)
    found = {row["is"]: row for row in told(run, run, "--rounds", "mtl", "mtl_reset")["tables"]}
    row = found["data/curated/reset.parquet"]
    assert (row["was"], row["changed"], row["columns"]) == ("data/mixtures/mtl.parquet", 1, {"response": 1})


def test_checkpoint_is_set_beside_the_model_that_was_chosen(runs: tuple[Path, Path], tmp_path: Path) -> None:
    run = shutil.copytree(runs[0], tmp_path / "run")
    for name in ("data/scores/{}.parquet", "data/answers/{}.parquet", "metrics/systems/{}.json"):
        shutil.copy(run / name.format("mtl"), run / name.format("early"))
    content = yaml.safe_load((run / "params.yaml").read_text())
    content["pools"]["early"] = {**content["pools"]["mtl_reset"], "model": "mtl_reset/at/25"}
    (run / "params.yaml").write_text(yaml.safe_dump(content))
    found = told(run, run, "--rounds", "early", "mtl_reset")
    row = next(row for row in found["scores"] if row["score"] == "faithfulness")
    assert (row["system"], row["difference"]) == ("mtl_reset against early", pytest.approx(0.3))
    assert "data/curated/reset.parquet" in {row["was"] for row in found["tables"]}


def test_terminal_shows_each_part(runs: tuple[Path, Path]) -> None:
    shown = cli(*runs).output
    for part in ("Parameters that differ\n", "Scores (macro", "Tables: ", "winner changed", "Wins per", "judges moved"):
        assert part in shown
    assert "objectives.faithfulness.weight  2.0  3.0" in shown
    line = next(line for line in shown.splitlines() if line.startswith("mtl_reset  faithfulness_seen"))
    assert line.split("  ")[-2:] == ["the same on every prompt", words.DASH]


def test_long_values_are_cut_in_the_terminal_and_whole_in_the_object(runs: tuple[Path, Path], tmp_path: Path) -> None:
    other, long = shutil.copytree(runs[1], tmp_path / "other"), "a_name_" * 20
    path = other / "params.yaml"
    path.write_text(path.read_text().replace("stand_ins: []", f"stand_ins: [{long}]"))
    shown = cli(runs[0], other).output
    assert long not in shown and "Values of over 100 characters are cut" in shown
    assert long in cli(runs[0], other, "--json").output


def test_scores_and_verdicts_of_stand_ins_are_marked(runs: tuple[Path, Path], tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(runs[1], other)
    text = (other / "params.yaml").read_text()
    (other / "params.yaml").write_text(text.replace("stand_ins: []", "stand_ins: [summac]"))
    path = other / "metrics/systems/mtl_reset.json"
    summary = json.loads(path.read_text())
    summary["macro"]["faithfulness_unseen"]["stand_in"] = True
    path.write_text(json.dumps(summary))
    shown = cli(runs[0], other).output
    marked = {line.split("  ")[1].strip() for line in shown.splitlines() if "(stand-in)" in line}
    assert marked == {"faithfulness_unseen (stand-in)", "summac (stand-in)"}


def test_page_escapes_answers(runs: tuple[Path, Path], tmp_path: Path) -> None:
    cli(*runs, "--html", tmp_path / "diff.html")
    page = (tmp_path / "diff.html").read_text()
    assert "&lt;script&gt;document.title" in page
    assert "<script>document" not in page
    assert page.count("<script") == 2  # our own


def test_mlflow_compares_two_runs_by_the_same_numbers(
    runs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT", "RESET_TRACKING"):
        monkeypatch.delenv(name, raising=False)
    for run in runs:
        with tracking.run("evaluate", "mtl_reset", {}, metrics=run / "metrics/systems/mtl_reset.json"):
            pass
    assert tracking.send().startswith("tracking: 2 runs sent")

    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = client.get_experiment_by_name("reset").experiment_id
    a, b = client.search_runs([experiment], order_by=["attributes.start_time"])
    rows = [row for row in told(*runs)["scores"] if row["system"] == "mtl_reset" and row["dataset"] is None]
    shown = {row["score"]: (row["a"], row["b"]) for row in rows}
    assert len(shown) > 5
    assert shown == {name: tuple(r.data.metrics[f"macro.{name}.mean"] for r in (a, b)) for name in shown}


def test_folder_without_tables_is_told(runs: tuple[Path, Path], tmp_path: Path) -> None:
    refused = cli(runs[0], tmp_path)
    assert refused.exit_code == 1
    assert refused.output == f"Error: '{tmp_path}' holds no tables: data/ is empty or missing\n"


def test_commit_is_read_from_cache_or_remote_and_nothing_is_checked_out(
    runs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    outs = "[data/examples/nq, data/answers, data/verdicts, data/curated, data/scores]"
    stage = f"cmd: cp -r {tmp_path}/from/. .\n    deps: [{tmp_path}/from/params.yaml]\n    outs: {outs}"
    metrics = "metrics: [{metrics/systems: {cache: false}}]"
    (project / "dvc.yaml").write_text(f"stages:\n  all:\n    {stage}\n    {metrics}\n")

    def do(*commands: str) -> None:
        for command in commands:
            subprocess.run(command.split(), check=True, capture_output=True)

    initialise(project)
    do("git config user.email a@b.c", "git config user.name a")
    do(f"dvc remote add -d store {tmp_path}/remote", f"cp -r {runs[0]} {tmp_path}/from", "dvc repro -q")
    do("git add .", "git commit -qm one", "dvc push -q", f"rm -r {tmp_path}/from", f"cp -r {runs[1]} {tmp_path}/from")
    do("dvc repro -q")
    before = {path: path.stat().st_mtime_ns for path in (project / "data").rglob("*")}
    for emptied in (False, True):
        if emptied:
            do("rm -rf .dvc/cache")
        found = told("HEAD", ".")
        assert found["winners"][0]["changed"] == 24
        assert {row["table"]: row["equal"] for row in found["tables"]}["data/examples/nq/train.parquet"]
        assert [row["key"] for row in found["params"]] == ["objectives.faithfulness.weight"]
    assert {path: path.stat().st_mtime_ns for path in (project / "data").rglob("*")} == before
    assert cli("nope").output == "Error: 'nope' is not a folder; as a revision: unknown Git revision 'nope'\n"


def test_what_another_scale_left_in_a_folder_is_not_compared_and_scales_are_named(
    runs: tuple[Path, Path], tmp_path: Path
) -> None:
    left = tmp_path / "left"
    shutil.copytree(runs[1], left)
    (left / "params.yaml").write_text((left / "params.yaml").read_text().replace("scale: micro", "scale: own"))
    found = told(runs[0], left)
    assert found["scores"] == [] and found["winners"] == []
    assert "data/curated/reset.parquet" not in {table["is"] for table in found["tables"]}
    assert "A is of scale micro and B of scale own: equal names are different things" in cli(runs[0], left).output
    assert "is of scale" not in cli(*runs).output


def stage(md5: str, *, code: str = "c", seed: int = 0) -> dict[str, Any]:
    """An entry of dvc.lock: one model, and a metric that differs with it."""
    return {
        "cmd": "train",
        "deps": [{"path": "reset/training", "md5": code}],
        "params": {"params.yaml": {"seed": seed}},
        "outs": [{"path": "models/mtl", "md5": md5}, {"path": "metrics/train/mtl.json", "md5": f"of {md5}"}],
    }


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (stage("2"), True),
        (stage("1"), False),
        (stage("2", code="d"), False),
        (stage("2", seed=1), False),
        ({**stage("1"), "outs": [{"path": "models/mtl", "md5": "1"}, {"path": "metrics/train/mtl.json"}]}, False),
    ],
    ids=["another processor", "the same", "other code", "another seed", "another metric alone"],
)
def test_a_stage_that_made_another_output_of_the_same_inputs_is_named(
    other: dict[str, Any], said: bool, runs: tuple[Path, Path], tmp_path: Path
) -> None:
    sides = [tmp_path / "a", tmp_path / "b"]
    for run, side, entry in zip(runs, sides, (stage("1"), other), strict=True):
        shutil.copytree(run, side)
        (side / "dvc.lock").write_text(yaml.safe_dump({"stages": {"train@mtl": entry}}))
    assert ("Same inputs, other outputs: train@mtl. " in cli(*sides).output) is said
    assert told(*sides)["same_inputs_other_outputs"] == (["train@mtl"] if said else [])


def test_a_condition_that_holds_ends_with_a_status_of_its_own(runs: tuple[Path, Path]) -> None:
    a, b = runs
    better, worse = (
        cli(a, b, "--fail-if", "seen faithfulness < -0.02"),
        cli(b, a, "--fail-if", "seen faithfulness < -0.02"),
    )
    assert (better.exit_code, worse.exit_code) == (0, 3)
    assert "passes" in better.output and "FAILS" not in better.output
    line = next(line for line in worse.output.splitlines() if line.endswith("FAILS"))
    assert "mtl_reset " in line and f"{words.MINUS}0.100" in line and "the same on every prompt" in line
    assert cli(b, a, "--fail-if", "mtl: faithfulness_seen < -0.02").exit_code == 0
    assert cli(a, b, "--fail-if", "mtl: task < 0", "--fail-if", "seen faithfulness > 0.05").exit_code == 3


def test_conditions_are_told_to_programs_with_the_least_difference_that_prompts_show(runs: tuple[Path, Path]) -> None:
    rows = json.loads(cli(*runs, "--json", "--fail-if", "mtl_reset: seen faithfulness < 0.2").output)["conditions"]
    assert [(row["system"], row["fails"], row["least"]) for row in rows] == [("mtl_reset", True, None)]
    assert told(*runs)["conditions"] == []


def test_a_run_fails_nothing_against_itself(runs: tuple[Path, Path]) -> None:
    assert cli(runs[0], runs[0], "--fail-if", "unseen faithfulness < 0").exit_code == 0


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("unseen faithfulness", "is no condition, such as 'unseen faithfulness < -0.02'"),
        ("faithfulness <= 0", "is no condition"),
        ("faithfulnes < 0", "there is no average 'faithfulnes'. Did you mean 'faithfulness'?"),
        ("mtl_rest: task < 0", "there is no system 'mtl_rest'. Did you mean 'mtl_reset'?"),
    ],
)
def test_a_condition_that_cannot_be_asked_is_one_line(runs: tuple[Path, Path], condition: str, message: str) -> None:
    shown = cli(*runs, "--fail-if", condition)
    assert shown.exit_code == 1 and message in shown.output and len(shown.output.splitlines()) == 1


def test_the_least_difference_is_shown_by_four_of_five_samples_of_as_many_prompts() -> None:
    rng = np.random.default_rng(0)
    error = 0.03
    shown = gate.least(-1.96 * error, 1.96 * error)
    assert shown == pytest.approx(2.80 * error, rel=0.01)
    found = rng.normal(shown, error, 20_000)
    assert np.mean(np.abs(found) > 1.96 * error) == pytest.approx(0.8, abs=0.02)
    assert gate.least(None, None) is None
