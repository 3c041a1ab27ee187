"""The plot of `reset-lm tradeoff`: the front, the choices and the systems trained on the pool, on one plane."""

from itertools import pairwise
from typing import Any

from reset.report import plots, tradeoff_page
from reset.report.lineage import GREY, PALETTE

PAIR = ["faithfulness", "task"]
ENDS = ("x_low", "x_high", "y_low", "y_high")


def point(one: float, two: float, **more: Any) -> dict[str, Any]:
    weights = {"faithfulness": one, "task": two}
    return {"weights": weights, "floors": {}, "prompts": 9, "means": {"faithfulness": two, "task": one}, **more}


def system(name: str, **trained: tuple[float, float | None, float | None]) -> dict[str, Any]:
    figures = {objective: dict(zip(("mean", "low", "high"), ends, strict=True)) for objective, ends in trained.items()}
    return {"system": name, "trained": figures}


def drawn(*systems: dict[str, Any]) -> list[dict[str, Any]]:
    points = [point(2.0, 1.0, front=True), point(1.0, 2.0, front=True), point(0.0, 0.5, front=False)]
    intervals = {"faithfulness": [0.9, 1.1], "task": [1.9, 2.1]}
    front = [{**points[0], "intervals": intervals}, {**points[1], "intervals": {"faithfulness": [0, 1], "task": None}}]
    content = {"varied": PAIR, "points": points, "front": front}
    content |= {"chosen": points[1], "random": {"faithfulness": 0.2, "task": 0.1}, "trained": {"systems": systems}}
    return tradeoff_page.drawn(content)


def test_points_of_the_front_have_their_intervals_where_these_are_known() -> None:
    first, second, beaten, chosen, random = drawn()
    assert [first[end] for end in ENDS] == [0.9, 1.1, 1.9, 2.1]
    assert not any("x_low" in row for row in (second, beaten, chosen, random))
    assert [row["kind"] for row in (first, beaten, chosen, random)] == ["front", "beaten", "chosen", "random"]


def test_evaluated_systems_stand_on_the_plane_and_others_do_not() -> None:
    figures = {"faithfulness": (0.5, 0.4, 0.6), "task": (0.3, 0.2, 0.4)}
    *_, known, few = drawn(
        system("mtl_reset", **figures),
        system("of another task", faithfulness=(0.5, 0.4, 0.6)),
        system("of few prompts", faithfulness=(0.5, None, None), task=(0.3, None, None)),
    )
    assert (known["name"], known["kind"], known["faithfulness"], known["task"]) == ("mtl_reset", "trained", 0.5, 0.3)
    assert [known[end] for end in ENDS] == [0.4, 0.6, 0.2, 0.4]
    assert few["name"] == "of few prompts" and "x_low" not in few


def test_front_has_the_colours_of_the_page() -> None:
    layers = plots.front(drawn(), PAIR)["layer"]
    ranges = [layer["encoding"]["color"]["scale"]["range"] for layer in layers if "color" in layer["encoding"]]
    assert len(ranges) == 4 and all(one == [*PALETTE, GREY] for one in ranges)


def test_a_plane_without_intervals_or_systems_has_no_layer_for_them() -> None:
    rows = [{key: value for key, value in row.items() if key not in ENDS} for row in drawn()]
    whole, plain = (plots.front(some, PAIR)["layer"] for some in (drawn(), rows))
    assert len(plain) == len(whole) - 2  # of the grid's intervals


def test_no_two_names_on_the_plane_are_at_one_height() -> None:
    same = {"faithfulness": (0.5, None, None), "task": (0.3, None, None)}
    spec = plots.front(drawn(*(system(f"s{n}", **same) for n in range(6))), PAIR)
    rows = next(iter(spec["datasets"].values())) if "datasets" in spec else spec["data"]["values"]
    heights = sorted(row["label_y"] for row in rows if row["name"])
    assert len(heights) == 8
    assert all(high - low >= plots.NAME_GAP * 1.8 for low, high in pairwise(heights))
