"""The offline trade-off: the winners of `select` under many weights at once, its front, its steps and its ends."""

import csv
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner, Result

from reset.choosing import judged_pool, select
from reset.choosing.candidates import Bars, choose, thin
from reset.choosing.combining import Rule
from reset.choosing.effects import macro_means
from reset.cli.main import main
from reset.evidence import tradeoff, trained_order, weighings
from reset.evidence.revisions import Run
from tests.support import ROOT, lines, made_pools
from tests.support.paper_objectives import OBJECTIVES

pytestmark = pytest.mark.slow

NAMES = [*OBJECTIVES]
SEED = 3


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A judged pool with the committed params.yaml, and its curated set `reset`."""
    root = made_pools.write(tmp_path_factory.mktemp("tradeoff"), systems=())
    shutil.copy(ROOT / "params.yaml", root)
    return root


@pytest.fixture(scope="module")
def judged(project: Path) -> judged_pool.Judged:
    answers = project / "data/answers/mtl_candidates.parquet"
    return judged_pool.load(answers, made_pools.verdict_files(project, "mtl_candidates"))


def choice(judged: judged_pool.Judged, **options: Any) -> tradeoff.Choice:
    settings: dict[str, Any] = {"sweeps": 2, "rating": "rating", "share": 1.0, "bars": Bars(), "rule": Rule()}
    return tradeoff.Choice(judged, OBJECTIVES, seed=SEED, **{**settings, **options})


def selected(of: tradeoff.Choice, weights: Mapping[str, float], floors: Mapping[str, float]) -> dict[str, Any]:
    """The point that the code of stage `select` chooses."""
    pool = of.candidates(weights, replace(of.bars, floor=floors))
    found = {key: choose(answers, "best", SEED) for key, answers in pool.items()}
    winners = {key: winner for key, winner in found.items() if winner is not None}
    kept = thin(winners, of.share, "best", SEED)
    return {"prompts": len(kept), "means": macro_means(one for key, one in winners.items() if key in kept)}


RULES = [
    Rule(),
    Rule(normalise="prompt"),
    Rule(normalise="pool"),
    Rule("log_sigmoid", reference=0.85, scale=10.0),
    Rule("lexicographic"),
    Rule("pareto"),
    Rule("pareto", "prompt"),
    Rule(length_penalty=0.1),
]
FLOORS: list[dict[str, float]] = [{}, {"faithfulness": 0.5}, {"task": 0.3, "instruction": 0.7}, {"score": 1.2}]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.combine}-{rule.normalise}-{rule.length_penalty}")
def test_every_point_is_what_select_chooses(judged: judged_pool.Judged, rule: Rule) -> None:
    for share in (1.0, 0.3):
        of = choice(judged, rule=rule, share=share)
        figures = tradeoff.figures(of, ["faithfulness", "task"], weightings=3, tried=FLOORS[1:], resamples=5)
        assert len(figures["points"]) == 3 * len(FLOORS)
        for point in figures["points"]:
            found = selected(of, point["weights"], point["floors"])
            assert point["prompts"] == found["prompts"], point
            assert point["means"] == pytest.approx(found["means"], abs=2e-6), point


def test_the_front_is_what_no_point_beats_and_rises_in_one_objective_while_it_falls_in_the_other(
    judged: judged_pool.Judged,
) -> None:
    figures = tradeoff.figures(choice(judged), [], weightings=41, tried=[{"faithfulness": 0.5}], resamples=50)
    assert figures["varied"] == ["faithfulness", "task"]
    points = [(one["prompts"], *(one["means"][name] for name in figures["varied"])) for one in figures["points"]]
    for point, own in zip(figures["points"], points, strict=True):
        beaten = any(all(a >= b for a, b in zip(other, own, strict=True)) and other[1:] != own[1:] for other in points)
        assert point["front"] is not beaten
    free = [one for one in figures["front"] if not one["floors"]]
    assert len(free) > 4
    for one in free[1:]:
        assert one["step"]["change"]["faithfulness"] > 0 > one["step"]["change"]["task"]
        price = -one["step"]["change"]["task"] / one["step"]["change"]["faithfulness"]
        assert one["step"]["price"]["task"] == pytest.approx(price, abs=1e-3)


def test_along_the_front_one_objective_is_paid_at_the_rate_of_the_weights(judged: judged_pool.Judged) -> None:
    """Between two weightings the winners that change gain at least the one rate and pay at most the other."""
    figures = tradeoff.figures(choice(judged), [], weightings=101, tried=[{}], resamples=1)
    front = [one for one in figures["front"] if one["weights"]["task"]]
    for before, after in pairwise(front):
        rates = [one["weights"]["faithfulness"] / one["weights"]["task"] for one in (before, after)]
        assert rates[0] - 1e-3 <= after["step"]["price"]["task"] <= rates[1] + 1e-3


def test_a_random_answer_and_the_best_of_each_objective_are_the_ends(judged: judged_pool.Judged) -> None:
    figures = tradeoff.figures(choice(judged), [], weightings=21, tried=[{}], resamples=1)
    for name in figures["varied"]:
        assert figures["random"][name] < figures["chosen"]["means"][name] <= figures["best"][name]
        weighed = [one for one in figures["points"] if all(one["weights"].values())]  # without weight, nulls compete
        most = max(point["means"][name] for point in weighed)
        assert figures["best"][name] - 0.01 < most <= figures["best"][name]


def test_intervals_hold_the_mean_and_are_the_same_for_the_same_seed(judged: judged_pool.Judged) -> None:
    figures = [tradeoff.figures(choice(judged), [], weightings=5, tried=[{}], resamples=200) for _ in range(2)]
    assert figures[0] == figures[1]
    for point in figures[0]["front"]:
        for name in figures[0]["varied"]:
            low, high = point["intervals"][name]
            assert low < point["means"][name] < high


@pytest.mark.parametrize(("parts", "least", "ways"), [(2, 101, 101), (3, 100, 105), (4, 30, 35)])
def test_weights_are_shared_evenly_with_all_corners(parts: int, least: int, ways: int) -> None:
    found = tradeoff.simplex(parts, least)
    assert found.shape == (ways, parts)
    assert np.allclose(found.sum(axis=1), 1)
    assert len(np.unique(found, axis=0)) == ways
    assert {*np.eye(parts).argmax(axis=1)} == {*found[found.max(axis=1) == 1].argmax(axis=1)}


def test_resampled_means_are_those_of_the_drawn_prompts(judged: judged_pool.Judged) -> None:
    of = choice(judged)
    ones = dict.fromkeys(NAMES, 1.0)
    pool = weighings.arranged(of.candidates(ones, Bars()), NAMES, NAMES, Rule(), SEED)
    draws = weighings.draws(pool, 3, 0)
    assert (draws.sum(axis=1) == len(pool.dataset)).all()
    values = weighings.winners(pool, np.ones((1, len(NAMES))), {}, "weighted_sum", 1.0)[:, 0, :1]
    again = np.repeat(np.arange(len(draws[1])), draws[1].astype(int))
    by_hand = [
        np.nanmean(values[again][pool.dataset[again] == number])
        for number in np.unique(pool.dataset)
        if not np.isnan(values[pool.dataset == number]).all()
    ]
    assert weighings.resampled(pool, values, draws)[1] == pytest.approx(np.mean(by_hand))


def cli(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["tradeoff", *arguments])


@pytest.mark.parametrize("name", ["reset", "reset_s"])
def test_the_chosen_point_is_that_of_the_metrics_of_select(project: Path, name: str) -> None:
    params = yaml.safe_load((project / "params.yaml").read_text())
    row = params["curated"][name]
    into = project / f"data/curated/{name}.parquet"
    _, figures = select.keep_best(
        project / "data/answers/mtl_candidates.parquet",
        made_pools.verdict_files(project, "mtl_candidates"),
        project / "data/prompts/candidates.parquet",
        into,
        objectives=OBJECTIVES,
        seed=params["seed"],
        template="micro",
        bars=Bars(),
        rule=Rule(),
        **{key: row[key] for key in ("sweeps", "pick", "share", "rating")},
    )
    shown = json.loads(cli("mtl_candidates", "--set", name, "--run", str(project), "--json").output)
    assert shown["chosen"]["means"] == {key: of["winners"] for key, of in figures["objectives"].items()}
    assert shown["chosen"]["prompts"] == figures["rows"]
    means = figures["judges"]["instruction"]["means"]["rating"]["winners"]
    if name == "reset":
        assert figures["objectives"]["instruction"]["winners"] == means


def test_tables_csv_and_page_tell_the_same_points(project: Path, tmp_path: Path) -> None:
    table, page = tmp_path / "points.csv", tmp_path / "page.html"
    options = ("--run", str(project), "--weightings", "11", "--floor", "faithfulness=0.5,task=0.2")
    shown = cli("mtl_candidates", *options, "--csv", str(table), "--html", str(page))
    assert shown.exit_code == 0, shown.output
    assert "22 points; as curated set reset chooses" in shown.output
    assert "No weight trades instruction for another objective: they meet in no prompt." in shown.output
    rows = list(csv.DictReader(table.open(encoding="utf-8")))
    assert len(rows) == 22
    assert {row["floor_task"] for row in rows} == {"", "0.2"}
    text = page.read_text(encoding="utf-8")
    assert "The trade-off of mtl_candidates" in text
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text.partition("<script>")[0])
    (spec,) = json.loads(text.partition('id="charts">')[2].partition("</script>")[0])
    values = spec["data"]["values"] if "values" in spec["data"] else next(iter(spec["datasets"].values()))
    assert sum(row["kind"] in ("front", "beaten") for row in values) == 22


@pytest.mark.skipif(not shutil.which("chromium") or not shutil.which("chromedriver"), reason="needs Chromium")
def test_the_page_draws_the_front_offline(project: Path, tmp_path: Path) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    from tests.support.browser import chromium

    page = tmp_path / "page.html"
    shown = cli("mtl_candidates", "--run", str(project), "--weightings", "11", "--html", str(page))
    assert shown.exit_code == 0, shown.output
    with chromium() as browser:
        browser.get(page.as_uri())
        drawn = WebDriverWait(browser, 30).until(lambda one: one.find_elements(By.CSS_SELECTOR, ".chart svg"))
        assert drawn[0].size["width"] > 250
        assert "chosen" in drawn[0].text and "random" in drawn[0].text
        assert browser.get_log("browser") == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere",), "Unknown"),
        (("mtl_candidates", "--set", "rest"), "Did you mean 'reset'?"),
        (("mtl_candidates", "--objective", "tsk", "--objective", "task"), "Did you mean 'task'?"),
        (("mtl_candidates", "--objective", "task"), "There is nothing to trade off"),
        (("mtl_candidates", "--floor", "task"), "must be NAME=VALUE"),
        (("mtl_candidates", "--floor", "tusk=0.1"), "Unknown objective 'tusk' (--floor). Did you mean 'task'?"),
        (("mtl_candidates", "--floor", "task=nan"), "--floor task=nan must be from 0 to 1"),
        (("mtl_candidates", "--floor", "task=2"), "--floor task=2 must be from 0 to 1"),
        (("mtl_candidates", "--weightings", "1"), "--weightings must be from 2 to 10,000"),
        (("mtl_candidates", "--weightings", "1000000"), "--weightings must be from 2 to 10,000"),
        (("mtl_candidates", "--csv", "/proc/none/a.csv"), "/proc/none/a.csv: cannot be written (no such file or"),
        (("mtl_candidates", "--html", "/proc/none/a.html"), "/proc/none/a.html: cannot be written (no such file or"),
        (("mtl_reset_candidates",), "has no judged answers of pool"),
    ],
)
def test_bad_values_get_one_line(project: Path, arguments: tuple[str, ...], message: str) -> None:
    shown = cli(*arguments, "--run", str(project))
    assert shown.exit_code == 1
    assert message in shown.output
    assert len(shown.output.splitlines()) == 1


def test_systems_are_set_beside_the_means_of_the_rows_they_were_trained_on(tmp_path: Path) -> None:
    root = lines.write(tmp_path / "run", gain=0.3)
    lines.choose(root, "random", "random")
    for folder, end in (("metrics/systems", "json"), ("data/scores", "parquet")):
        shutil.copy(root / folder / f"mtl.{end}", root / folder / f"mtl_random.{end}")
    params = yaml.safe_load((root / "params.yaml").read_text())
    run = Run(str(root), tmp_path / "scratch")
    found = trained_order.order(run, params, "mtl_candidates", OBJECTIVES, resamples=50)
    assert [row["system"] for row in found["systems"]] == ["mtl_reset", "mtl_random"]
    (pair,) = found["pairs"]
    assert (pair["system"], pair["against"]) == ("mtl_random", "mtl_reset")
    row = pair["objectives"]["faithfulness"]
    assert row["predicted"] < 0 > row["trained"]["mean"]
    assert row["alike"] and not row["clear"]  # the made gain is the same on every prompt: no interval
    assert found["agreement"]["faithfulness"] == {"pairs": 1, "alike": 1, "clear": 0, "clear_alike": 0}
