"""The first screen: the headline, the lineage and its colours, the plane, the intervals, what was run."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from reset.files.metrics import Metrics
from reset.files.tables import write_json
from reset.report import charts, costs, figures, intervals, plane, plots, row_flow, words
from reset.report.lineage import PALETTE, START, Lineage, lineage
from reset.report.measured import Measured
from reset.report.story import said
from tests.support import ROOT, folders

PAIR = ["faithfulness", "instruction"]
MODELS = {
    **{"base": "base/micro", "if": "if", "mtl": "mtl", "mtl_reset": "mtl_reset", "mtl_reset_2": "mtl_reset_2"},
    **{"cd_50": "cd/at/50", "cd_if": "cd_if", "mtl_candidates": "mtl"},
}
INITS = {
    **{"if": "base/micro", "cd": "base/micro", "mtl": "base/micro", "mtl_reset": "mtl", "mtl_reset_2": "mtl_reset"},
    **{"cd_if": "cd"},
}
EVALUATED = [name for name in MODELS if name != "mtl_candidates"]


def test_system_descends_from_the_nearest_evaluated_one_and_shares_its_colour() -> None:
    found = lineage(MODELS, INITS, EVALUATED)
    assert found.parents == {"mtl_reset": "mtl", "mtl_reset_2": "mtl_reset"}  # neither a starting model nor `cd`
    assert found.checkpoints == {"cd_50"}
    assert found.families["cd_if"] == found.families["cd_50"] == "cd"
    assert found.order(EVALUATED) == ["if", "mtl", "cd", START]
    places = found.places(EVALUATED)
    assert places["mtl"] == places["mtl_reset_2"] == places["mtl_candidates"] != places["if"]
    assert places["base"] == len(PALETTE)


def test_families_beyond_the_palette_are_grey() -> None:
    places = Lineage().places([f"s{n}" for n in range(30)])
    assert sorted({*places.values()}) == list(range(len(PALETTE) + 1))
    assert places["s29"] == len(PALETTE)


def test_systems_that_begin_with_each_other_end_the_search() -> None:
    assert lineage({"a": "a", "b": "b"}, {"a": "b", "b": "a"}, ["a", "b"]).parents == {"a": "b", "b": "a"}


def points(*places: tuple[float, float]) -> list[dict[str, Any]]:
    return [{"system": f"s{n}", PAIR[0]: x, PAIR[1]: y} for n, (x, y) in enumerate(places)]


def drawn(rows: list[dict[str, Any]], of: Lineage | None = None, **macros: Any) -> dict[str, Any]:
    of = of or Lineage()
    return plane.plane(rows, macros, PAIR, of, (640, 430), of.places([row["system"] for row in rows]))


def boxes(found: dict[str, Any]) -> list[plane.Box]:
    half = plane.LETTER
    return [(n["x"] - half, n["y"] - 7, n["x"] + half, n["y"] + 7) for n in found["names"]]


def test_names_meet_neither_each_other_nor_a_point() -> None:
    found = drawn(points(*((0.7 + n / 200, 0.6 + n % 3 / 300) for n in range(6)), (0.1, 0.1)))
    placed = boxes(found)
    assert len(placed) >= 5
    for one in placed:
        assert sum(a[0] < one[2] and one[0] < a[2] and a[1] < one[3] and one[1] < a[3] for a in placed) == 1
        assert not any(one[0] < p["x"] < one[2] and one[1] < p["y"] < one[3] for p in found["points"])


def test_a_point_without_room_for_its_name_tells_it_when_pointed_at() -> None:
    found = drawn(points(*((0.7 + n / 10000, 0.6) for n in range(30)), (0.1, 0.1)))
    assert len(found["names"]) < 31 == len(found["points"])
    assert found["points"][3]["title"] == "s3: faithfulness 0.700, instruction 0.600"


@pytest.mark.parametrize("rows", [points((0.5, 0.5)), points((0.5, 0.5), (0.5, 0.5)), points((0.0, 1.0), (1.0, 0.0))])
def test_plane_of_few_or_equal_points_is_drawn(rows: list[dict[str, Any]]) -> None:
    found = drawn(rows)
    assert all(0 <= point["x"] <= 640 and 0 <= point["y"] <= 430 for point in found["points"])
    assert len(found["x"]) >= 3


def test_arrow_leads_from_a_system_to_what_was_made_of_it_and_stops_before_the_point() -> None:
    of = Lineage({"s1": "s0", "s2": "s1"}, {}, frozenset({"s2"}))
    found = drawn(points((0.2, 0.2), (0.6, 0.6), (0.4, 0.9)), of)
    (arrow,) = found["arrows"]  # none to a checkpoint on the way
    at = {point["system"]: point for point in found["points"]}
    assert at["s0"]["x"] < arrow["x1"] < arrow["x2"] < at["s1"]["x"]


def test_interval_of_a_point_stays_in_the_drawing() -> None:
    macro = {PAIR[0]: {"mean": 0.5, "low": 0.0, "high": 1.0}, PAIR[1]: {"mean": 0.5, "low": None, "high": None}}
    (point, _) = drawn(points((0.5, 0.5), (0.6, 0.6)), s0=macro)["points"]
    assert point["x_low"] == plane.MARGIN[0] and "y_low" not in point


def difference(mean: float, low: float | None = None, high: float | None = None, **more: Any) -> dict[str, Any]:
    return {"mean": mean, "low": low, "high": high, "p_holm": 0.01, "prompts": 100, **more}


def test_headline_says_how_much_how_sure_and_whether_it_is_clear() -> None:
    measures = {"faithfulness": difference(0.112, 0.088, 0.136), "task": difference(-0.01, -0.02, 0.01)}
    found = said([{"system": "b", "against": "a", "measures": measures}], ["a", "b"])
    assert found["first"] == "b against a: faithfulness is 0.112 higher, 95 % interval +0.088 to +0.136, clear."
    (rest,) = found["rest"]
    assert (rest["text"], rest["tone"]) == ("0.010 lower, 95 % interval −0.020 to +0.010, not clear", "")  # noqa: RUF001


def test_what_holm_does_not_clear_or_nobody_can_tell_is_said_so() -> None:
    assert words.told(difference(0.1, 0.05, 0.2, p_holm=0.3)) == "not clear after Holm's correction"
    assert words.change(difference(0.1, prompts=3)) == "0.100 higher, too few prompts to tell"
    assert words.change(difference(0.0, prompts=300)) == "the same on every prompt"


def test_a_few_far_differences_do_not_press_the_others_together() -> None:
    lines = [intervals.Line(str(n), [difference(0.02, 0.01, 0.03)]) for n in range(5)]
    found = intervals.drawing(["task"], [*lines, intervals.Line("far", [difference(0.9, 0.8, 1.0)])])
    near, far = found.lines[0]["cells"][0], found.lines[-1]["cells"][0]
    assert near["width"] > 10 and far["beyond"] == "right"
    assert far["title"] == "+0.900 [0.800, 1.000] clear"
    assert (near["tone"], near["text"]) == ("up", "+0.020")


def test_what_was_not_measured_is_left_blank() -> None:
    found = intervals.drawing(["a", "b"], [intervals.Line("x", [None, difference(0.1)])])
    assert found.lines[0]["cells"][0] is None and found.lines[0]["cells"][1]["bare"]
    assert intervals.drawing(["a"], []).lines == []


def test_only_the_first_lines_are_drawn_and_the_others_counted() -> None:
    lines = [intervals.Line(str(n), [difference(0.1, 0.0, 0.2)]) for n in range(30)]
    found = intervals.drawing(["a"], lines, most=10)
    assert (len(found.lines), found.more) == (10, 20)


def measured(macros: dict[str, dict[str, float]], **rows: Any) -> Measured:
    """What was measured of systems, as far as the drawings of means ask for it."""
    names = ("pipelines", "gains", "differences", "wins", "judges", "curated")
    known = {system: {name: difference(mean) for name, mean in own.items()} for system, own in macros.items()}
    return Measured(
        {name: rows.get(name, []) for name in names}, list(macros), [], [], [], PAIR, [], known, [*PAIR, "task"]
    )


def test_every_declared_objective_is_drawn_and_its_parts_beside_it() -> None:
    macros = {
        "faithfulness": 0.5,
        "faithfulness_seen": 0.6,
        "faithfulness_unseen": 0.4,
        "instruction": 0.7,
        "task": 0.3,
    }
    (one,) = figures.drawn(measured({"mtl": macros, "mtl_reset": macros}), Lineage())
    assert {title: drawing.panels for title, drawing in one.drawings.items()} == {
        "all objectives": ["faithfulness", "instruction", "task"],
        "faithfulness": ["faithfulness", "faithfulness_seen", "faithfulness_unseen"],
    }
    (one,) = figures.drawn(measured({"mtl": {"task": 0.3}}), Lineage())
    assert {title: drawing.panels for title, drawing in one.drawings.items()} == {"all objectives": ["task"]}


def test_judges_that_chose_come_first_and_are_told_from_those_that_watched() -> None:
    rows = [
        {"curated": "reset", "task": task, "verdict": verdict, "chose": chose, "change": 0.1, "low": 0.0, "high": 0.2}
        for task, verdict, chose in (
            ("qa", "coverage", "no"),
            ("qa", "rouge_l", "yes"),
            ("qa", "oracle", "no"),
            ("summary", "rouge_l", "yes"),
            ("summary", "oracle", "yes"),
        )
    ]
    (one,) = figures.drawn(measured({}, judges=rows), Lineage())
    assert [(line["name"], line["note"]) for line in one.drawings["reset"].lines] == [
        ("rouge_l", "chose"),
        ("oracle", "chose in summary"),
        ("coverage", "only watched"),
    ]


def test_share_of_wins_has_wilsons_interval() -> None:
    found = figures.share(5, 50)
    assert (found["mean"], round(found["low"], 4), round(found["high"], 4)) == (0.1, 0.0435, 0.2136)
    assert figures.share(0, 10)["low"] == 0.0


def test_names_at_the_ends_of_curves_keep_their_distance() -> None:
    rows = [
        {"panel": "p", "series": name, "x": x, "y": x + place / 1000}
        for place, name in enumerate("abc")
        for x in (0, 1)
    ]
    ends = sorted(row["label_y"] for row in plots.with_names(rows, "x", "y", "panel") if row.get("last"))
    assert all(b - a >= plots.GAP for a, b in pairwise(ends)) and len(ends) == 3


def test_names_move_as_little_as_their_distance_and_the_lowest_point_allow() -> None:
    assert plots._spread([0.0, 0.5, 1.0], gap=0.1, lowest=0.0) == [0.0, 0.5, 1.0]
    assert plots._spread([0.5, 0.5, 0.9], gap=0.1, lowest=0.0) == pytest.approx([0.45, 0.55, 0.9])
    assert plots._spread([0.0, 0.0, 0.9], gap=0.1, lowest=0.0) == pytest.approx([0.0, 0.1, 0.9])


def test_curves_of_several_trainings_are_shown_one_training_at_a_time() -> None:
    chart = next(chart for chart in charts.CHARTS if chart.one)
    rows = [{"training": name} for name in ("cd", "cd", "cd_if")]
    assert charts._one(rows, chart) == {"field": "training", "values": ["cd", "cd_if"]}
    assert charts._one(rows[:2], chart) is None


def test_curve_of_a_training_has_the_colour_of_its_family_from_the_starting_model_on() -> None:
    names = ("best_of", "checkpoint_scores", "checkpoint_lengths", "loss", "lengths", "scores", "differences")
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for step, system in ((0, "base"), (50, "cd_50"), (100, "cd")):
        where = {"training": "cd", "system": system, "checkpoint": "", "step": step, "panel": "cd", "series": "nq"}
        rows["checkpoint_lengths"].append({**where, "tokens": 9.0})
    of = lineage({**MODELS, "cd": "cd"}, INITS, EVALUATED)
    (curve,) = charts.drawn(rows, PAIR, of, EVALUATED)
    shown = {row["colour"] for row in curve["spec"]["data"]["values"]}
    assert shown == {PALETTE[of.places(EVALUATED)["cd"]]}
    (line, *_) = curve["spec"]["spec"]["layer"]
    assert line["encoding"]["color"]["field"] == "colour"


def test_costs_tell_rows_tokens_and_seconds_of_each_stage(tmp_path: Path) -> None:
    folders.write(tmp_path / "metrics/train/mtl.json", {"rows_out": 10, "tokens": 200})
    folders.write(tmp_path / "metrics/sample/mtl.json", {"rows_out": 5, "tokens": 70})
    seconds = {"fetch@nq": 1.0, "train@mtl": 61.26, "train@cd": 3.0}
    rows = costs.rows(folders.metrics(tmp_path), seconds)
    assert rows == [
        {"stage": "fetch", "runs": 1, "rows": None, "tokens": None, "seconds": 1},
        {"stage": "train", "runs": 1, "rows": 10, "tokens": 200, "seconds": 64},
        {"stage": "sample", "runs": 1, "rows": 5, "tokens": 70, "seconds": None},
    ]
    assert costs.longest(seconds, 1) == [{"run of a stage": "train@mtl", "seconds": 61}]


def test_facts_leave_out_what_is_not_recorded(tmp_path: Path) -> None:
    write_json(tmp_path / "metrics/none.json", {})
    facts = dict(costs.facts(folders.metrics(tmp_path), {"scale": "own", "model": ""}, {"commit": ""}, {}, []))
    assert facts == {"scale": "own", "cost": "no paid judge"}
    paid = dict(costs.facts(folders.metrics(tmp_path), {}, {}, {"train@a": 7265.0}, [{"usd": 1.5}, {"usd": 0.25}]))
    assert paid == {"time": "2 h 1 min", "cost": "$1.75 in the ledger"}
    assert dict(costs.facts(folders.metrics(tmp_path), {}, {}, {}, [{"usd": None}]))["cost"] == "unknown price"


def test_picture_of_the_page_is_small_and_shown_with_a_caption() -> None:
    assert (ROOT / "docs/page.png").stat().st_size < 200_000
    assert "![The first screen of the report](docs/page.png)" in (ROOT / "README.md").read_text()


def flows(tmp_path: Path) -> list[dict[str, Any]]:
    for folder, counts in {
        "fetch/nq": {"rows_in": 103, "rows_out": 100, "set_aside": {"broken": 3}},
        "prepare/nq": {"rows_in": 100, "set_aside": {"duplicate": 40}, "splits": {"train": 50, "dev": 0, "test": 10}},
        "prepare/own": {"rows_in": 2, "set_aside": {}, "splits": {"train": 2, "dev": 0, "test": 0}},
    }.items():
        write_json(tmp_path / f"{folder}.json", {"scale": "micro", **counts})
    return row_flow.flows(Metrics(tmp_path, "micro", {"prepare": ["nq", "own"], "fetch": ["nq", "own"]}))


def test_every_row_read_is_in_a_split_or_set_aside_for_a_reason(tmp_path: Path) -> None:
    nq, own = flows(tmp_path)
    assert nq["read"] == 103 == sum(nq["splits"].values()) + sum(nq["set_aside"].values())
    assert (own["read"], own["set_aside"]) == (2, {})


def test_bar_of_a_data_set_is_whole_and_names_what_was_set_aside(tmp_path: Path) -> None:
    drawn = row_flow.drawing(flows(tmp_path))
    assert drawn.legend == [("s0", "train"), ("s2", "test"), ("a0", "duplicate"), ("a1", "broken")]
    nq, own = drawn.bars
    assert sum(part["width"] for part in nq["parts"]) == pytest.approx(100, abs=0.1)
    assert [part["title"] for part in nq["parts"]] == ["50 train", "10 test", "40 duplicate", "3 broken"]
    assert [part["text"] for part in nq["parts"]] == ["50", "", "40", ""]
    assert nq["note"] == "103 rows read; set aside: 3 broken, 40 duplicate"
    assert own["note"] == "2 rows read; none set aside"
