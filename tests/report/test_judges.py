"""What the report says of judges and watchers."""

from dataclasses import replace

from reset.report import judges
from tests.support.folders import metrics, write
from tests.support.paper_objectives import OBJECTIVES

MOVE = {"pool": 0.4, "winners": 0.6, "change": 0.2, "low": 0.1, "high": 0.3}
GAINED = {"rating": MOVE, "length": MOVE}
AGREEMENT = {"length|rating": {"gamma": 0.5, "pairs": 18}, "rating|rating_weak": {"gamma": 0.9, "pairs": 17}}
WARNING = "answers got longer by 4.0 [3.0, 5.0] tokens while rating rose"
WATCHED = {"agreement": {"other:rating|rating": {"gamma": -0.2, "pairs": 6}}, "means": {}, "warnings": ["other fell"]}


def test_judges_and_watchers_are_rows_with_their_length_bias_agreement_and_warnings(tmp_path):
    said = {"agreement": AGREEMENT, "means": GAINED, "spread": {"instruction": 0.2}, "warnings": [WARNING]}
    write(tmp_path / "metrics/select/reset.json", {"judges": {"instruction": said}})
    verdicts = {"other:rating": {"n": 5, "nulls": 1, "mean": 0.3}}
    content = {"pools": {"mtl": verdicts}, "choices": {"reset": {"instruction": WATCHED}}}
    write(tmp_path / "metrics/watch/other.json", content)
    place = {"curated": "reset", "task": "instruction"}
    assert judges.means(metrics(tmp_path))[0] == {
        **place,
        "verdict": "rating",
        "chose": "no",
        **MOVE,
        "gamma_with_length": 0.5,
    }
    assert judges.agreement(metrics(tmp_path)) == [
        {**place, "first": "rating", "second": "rating_weak", "gamma": 0.9, "pairs": 17},
        {**place, "first": "other:rating", "second": "rating", "gamma": None, "pairs": 6},  # too few to tell
    ]
    stand_ins = {"rating", "other:rating"}
    assert judges.means(metrics(tmp_path), stand_ins)[0]["verdict"] == "rating (stand-in)"
    assert judges.agreement(metrics(tmp_path), stand_ins)[0]["first"] == "rating (stand-in)"
    assert judges.watched(metrics(tmp_path), stand_ins)[0]["verdict"] == "other:rating (stand-in)"
    assert judges.spread(metrics(tmp_path)) == [{**place, "objective": "instruction", "spread": 0.2}]
    assert judges.warnings(metrics(tmp_path)) == [{**place, "warning": WARNING}, {**place, "warning": "other fell"}]
    assert judges.watched(metrics(tmp_path)) == [
        {"watcher": "other", "pool": "mtl", "verdict": "other:rating", "n": 5, "nulls": 1, "mean": 0.3}
    ]


def test_judges_of_weighed_objectives_chose_and_others_watched(tmp_path):
    moved = {"judges": {"instruction": {"agreement": {}, "means": {"rating": MOVE, "rating_weak": MOVE}}}}
    for name in ("reset", "reset_s", "random"):
        write(tmp_path / f"metrics/select/{name}.json", moved)
    rated_by = {"reset": "rating", "reset_s": "rating_weak"}  # `random` is chosen at random

    def chose(stand_ins=(), objectives=OBJECTIVES):
        found = judges.choosing(metrics(tmp_path), objectives, rated_by, stand_ins)
        return [
            (row["curated"], row["verdict"])
            for row in judges.means(metrics(tmp_path), chose=found)
            if row["chose"] == "yes"
        ]

    assert sorted(chose()) == [("reset", "rating"), ("reset_s", "rating_weak")]
    assert chose(stand_ins={"rating"}) == [("reset_s", "rating_weak")]  # a stand-in does not choose unless it may
    assert chose(objectives={name: replace(one, weight=0.0) for name, one in OBJECTIVES.items()}) == []
    write(tmp_path / "metrics/select/reset.json", {**moved, "stand_ins_chose": ["rating"]})
    assert sorted(chose(stand_ins={"rating"})) == [("reset", "rating"), ("reset_s", "rating_weak")]


def test_a_run_without_choices_has_nothing_to_say_of_judges(tmp_path):
    for rows in (judges.means, judges.agreement, judges.spread, judges.warnings, judges.watched):
        assert rows(metrics(tmp_path)) == []
