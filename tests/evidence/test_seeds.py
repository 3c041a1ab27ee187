"""Repeated runs: mean, spread and paired intervals, from folders, commits and DVC experiments."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from reset.cli.main import main
from reset.errors import ResetError
from reset.evidence import seeds
from reset.report import seed_table
from tests.support import folders
from tests.support.clones import initialise
from tests.support.paper_objectives import OBJECTIVES, declared

pytestmark = pytest.mark.slow

PAIR = (("mtl_reset", "mtl"),)
OF: tuple[Any, ...] = ({}, OBJECTIVES, ["faithfulness", "instruction"])


@pytest.fixture
def runs(tmp_path: Path) -> dict[str, Path]:
    """Three runs of two systems; the third run's gain is the largest."""
    found = {f"seed{run}": tmp_path / f"seed{run}" for run in range(3)}
    for run, folder in enumerate(found.values()):
        folders.add_system(folder, "mtl", faithfulness=0.5, instruction=0.6, run=run)
        folders.add_system(folder, "mtl_reset", faithfulness=0.6 + run / 20, instruction=0.6, run=run)
    return found


def cli(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["seeds", *arguments])


def test_mean_and_spread_are_those_of_the_runs(runs: dict[str, Path]) -> None:
    figures = seeds.gather(runs, PAIR, *OF, resamples=100, seed=0)
    row = next(r for r in figures["scores"] if (r["system"], r["score"]) == ("mtl_reset", "faithfulness_unseen"))
    means = [
        json.loads((folder / "metrics/systems/mtl_reset.json").read_text())["macro"]["faithfulness_unseen"]["mean"]
        for folder in runs.values()
    ]
    assert list(row["runs"].values()) == means
    assert (row["mean"], row["sd"]) == (round(fmean(means), 4), round(stdev(means), 4))


def test_difference_over_runs_is_the_mean_of_their_differences(runs: dict[str, Path]) -> None:
    (pair,) = seeds.gather(runs, PAIR, *OF, resamples=400, seed=0)["differences"]
    alone = [
        seeds.gather({name: folder}, PAIR, *OF, resamples=10, seed=0)["differences"][0]["measures"][
            "seen faithfulness"
        ]["mean"]
        for name, folder in runs.items()
    ]
    found = pair["measures"]["seen faithfulness"]
    assert found["mean"] == pytest.approx(fmean(alone))
    assert min(alone) - 0.03 < found["low"] < found["mean"] < found["high"] < max(alone) + 0.03


def test_page_shows_the_runs_differences_and_means(runs: dict[str, Path], tmp_path: Path) -> None:
    shown = cli(
        *map(str, runs.values()), "--pair", "mtl_reset", "mtl", "--resamples", "50", "--html", str(tmp_path / "s.html")
    )
    assert shown.exit_code == 0, shown.output
    page = (tmp_path / "s.html").read_text()
    assert "<h1>mtl_reset against mtl: seen faithfulness is 0." in page
    assert page.count('class="point') == 2 * 2  # two systems, in a wide and a narrow drawing
    assert "mtl_reset − mtl" in page and "Spread over the runs" in page  # noqa: RUF001


def test_single_run_has_no_spread(runs: dict[str, Path]) -> None:
    figures = seeds.gather({"a": runs["seed0"]}, PAIR, *OF, resamples=10, seed=0)
    assert {row["sd"] for row in figures["scores"]} == {None}


def test_system_that_one_run_lacks_keeps_its_mean_and_has_no_difference(runs: dict[str, Path]) -> None:
    for path in ("data/scores/mtl.parquet", "metrics/systems/mtl.json"):
        (runs["seed1"] / path).unlink()
    figures = seeds.gather(runs, PAIR, *OF, resamples=10, seed=0)
    assert {len(row["runs"]) for row in figures["scores"] if row["system"] == "mtl"} == {2}
    assert figures["differences"] == []


def test_folder_without_scores_is_told(tmp_path: Path) -> None:
    with pytest.raises(ResetError, match="'a' holds no scores: metrics/systems/ is empty or missing"):
        seeds.gather({"a": tmp_path}, PAIR, *OF, resamples=10, seed=0)


def test_command_prints_tables_and_json(runs: dict[str, Path]) -> None:
    names = [str(folder) for folder in runs.values()]
    report = {"comparisons": [["mtl_reset", "mtl"]], "tradeoff": ["faithfulness", "instruction"]}
    params = {"report": report, "objectives": declared()}
    (runs["seed0"] / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    shown = cli(*names)
    assert shown.exit_code == 0, shown.output
    assert "mtl_reset  faithfulness_unseen" in shown.output
    assert "mtl_reset − mtl    unseen faithfulness  +0." in shown.output  # noqa: RUF001
    figures = json.loads(cli(*names, "--json", "--pair", "mtl", "mtl_reset").output)
    assert figures["runs"] == names
    assert [(pair["system"], pair["against"]) for pair in figures["differences"]] == [("mtl", "mtl_reset")]


def test_pairs_are_those_of_the_first_run_that_declares_some_else_of_the_workspace(
    runs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = [str(folder) for folder in runs.values()]

    def compared() -> list[tuple[str, str]]:
        return [(pair["system"], pair["against"]) for pair in json.loads(cli(*names, "--json").output)["differences"]]

    assert compared() == []
    (tmp_path / "params.yaml").write_text("report: {comparisons: [[mtl_reset, mtl]]}")
    assert compared() == [("mtl_reset", "mtl")]
    (runs["seed1"] / "params.yaml").write_text("report: {comparisons: [[mtl, mtl_reset]]}")
    assert compared() == [("mtl", "mtl_reset")]


def test_figures_that_rest_on_a_stand_in_in_any_run_are_marked(runs: dict[str, Path]) -> None:
    path = runs["seed2"] / "metrics/systems/mtl.json"
    summary = json.loads(path.read_text())
    summary["macro"]["instruction"]["stand_in"] = True
    path.write_text(json.dumps(summary))
    shown = cli(*(str(folder) for folder in runs.values()), "--pair", "mtl_reset", "mtl").output
    marked = [line for line in shown.splitlines() if "(stand-in)" in line]
    assert [line.split("  ")[0] for line in marked] == ["mtl (w/ MTL)", "mtl", "mtl_reset − mtl"]  # noqa: RUF001


def test_run_named_twice_is_refused(runs: dict[str, Path]) -> None:
    name = str(runs["seed0"])
    refused = cli(name, name)
    assert refused.exit_code == 2
    assert "is given twice; counting a run twice would narrow the intervals" in " ".join(refused.output.split())


def test_commits_and_experiments_are_read_from_the_cache(
    tmp_path: Path, runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    content = {"run": "seed0", "objectives": declared(), "report": {"tradeoff": OF[2]}}
    (project / "params.yaml").write_text(yaml.safe_dump(content))
    copy = (
        f"mkdir -p data metrics && cp -r {tmp_path}/${{run}}/data/. data && cp -r {tmp_path}/${{run}}/metrics/. metrics"
    )
    outs = "outs: [data/scores/mtl.parquet, data/scores/mtl_reset.parquet]"
    metrics = ", ".join(f"{{metrics/systems/{name}.json: {{cache: false}}}}" for name in ("mtl", "mtl_reset"))
    (project / "dvc.yaml").write_text(
        f"stages:\n  all:\n    cmd: {copy}\n    params: [run]\n    {outs}\n    metrics: [{metrics}]\n"
    )
    initialise(project)
    commands = ["git config user.email a@b.c", "git config user.name a"]
    commands += ["dvc repro -q", "git add .", "git commit -qm one", "dvc exp run -q -S run=seed1 -n deep-fish"]
    for command in commands:
        subprocess.run(command.split(), check=True, capture_output=True)

    both = cli("HEAD", "deep-fish", "--json", "--pair", "mtl_reset", "mtl")
    assert both.exit_code == 0, both.output
    found = json.loads(both.output)
    first = {name: runs[run] for name, run in (("HEAD", "seed0"), ("deep-fish", "seed1"))}
    gathered = seeds.gather(first, PAIR, *OF, resamples=1000, seed=0)
    assert found == json.loads(json.dumps({"scale": None, **gathered}))

    assert cli("nope").output == "Error: 'nope' is not a folder; as a revision: unknown Git revision 'nope'\n"
    shutil.rmtree(project / ".dvc/cache")
    gone = cli("deep-fish")
    assert gone.exit_code == 1
    assert gone.output.startswith(
        "Error: 'deep-fish' has data/scores/mtl.parquet neither in Git nor in DVC's cache or remote"
    )


def test_table_4_over_runs_is_the_mean_of_their_means_with_an_interval(runs: dict[str, Path]) -> None:
    found = seeds.gather(runs, PAIR, {"mtl": "w/ MTL"}, *OF[1:], resamples=200, seed=0)["table4"]
    mtl, reset = found["rows"]
    assert [(row["system"], row["paper_row"], row["runs"]) for row in found["rows"]] == [
        ("mtl", "w/ MTL", 3),
        ("mtl_reset", None, 3),
    ]
    assert [column["name"] for column in found["columns"]][:4] == [
        *("cnn_dailymail", "ms_marco", "wikisum", "faithfulness_abstractive")
    ]
    summaries = [json.loads((run / "metrics/systems/mtl_reset.json").read_text()) for run in runs.values()]
    for name, cell in reset["cells"].items():
        axis = "instruction" if name == "instruction" else "faithfulness"
        means = [
            s["macro"][name]["mean"] if name in s["macro"] else s["datasets"][name]["scores"][axis]["mean"]
            for s in summaries
        ]
        assert cell["mean"] == pytest.approx(fmean(means), abs=2e-4)
        assert cell["low"] < cell["mean"] < cell["high"]
    alone = seeds.gather({"a": runs["seed0"]}, PAIR, *OF, resamples=200, seed=0)["table4"]["rows"][1]["cells"]["nq"]
    assert alone["high"] - alone["low"] < reset["cells"]["nq"]["high"] - reset["cells"]["nq"]["low"]
    assert mtl["paper"]["nq"] == "0.90"


def test_table_4_over_runs_stands_first_and_marks_stand_ins(runs: dict[str, Path]) -> None:
    path = runs["seed2"] / "metrics/systems/mtl.json"
    summary = json.loads(path.read_text())
    summary["datasets"]["nq"]["scores"]["faithfulness"]["stand_in"] = True
    path.write_text(json.dumps(summary))
    head, mtl, *_ = cli(*(str(folder) for folder in runs.values())).output.splitlines()
    assert head.split("  ")[0] == "system" and "abstractive, overall" in head
    assert mtl.startswith("mtl") and mtl.count("(stand-in)") == 1


def test_table_4_of_another_scale_is_not_that_of_the_report(runs: dict[str, Path], tmp_path: Path) -> None:
    table = seeds.gather(runs, PAIR, {"mtl": "w/ MTL"}, *OF[1:], resamples=50, seed=0)
    path = tmp_path / "seeds.json"
    path.write_text(json.dumps({"scale": "micro", **table}))
    first = seed_table.read_table(path, "micro")[0]
    assert (first["system"], first["runs"]) == ("mtl (w/ MTL)", 3)
    assert re.fullmatch(r"0\.\d{3} \[0\.\d{3}, 0\.\d{3}\] \(0\.90\)", first["NQ"])
    assert seed_table.read_table(path, "paper") == []


def test_runs_of_different_scales_are_refused_and_what_another_scale_left_is_not_read(runs: dict[str, Path]) -> None:
    for folder, scale in zip(runs.values(), ("micro", "own", "own"), strict=False):
        (folder / "params.yaml").write_text(f"scale: {scale}\n")
    with pytest.raises(ResetError, match=r"is of scale micro, .* is of scale own: repeated runs are of one scale$"):
        seeds.gather(runs, PAIR, *OF, resamples=10, seed=0)
    with pytest.raises(ResetError, match="holds no scores"):  # the figures are micro's
        seeds.gather({"seed1": runs["seed1"]}, PAIR, *OF, resamples=10, seed=0)
