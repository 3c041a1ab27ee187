"""What the report says of judges and watchers."""

from reset.files.tables import write_json
from reset.report import judges

GAINED = {"rating": {"pool": 0.4, "winners": 0.6}, "length": {"pool": 10.0, "winners": 14.0}}
AGREEMENT = {"length|rating": {"gamma": 0.5, "pairs": 8}, "rating|rating_weak": {"gamma": 0.9, "pairs": 7}}
WARNING = "answers went from 10.0 to 14.0 tokens while rating rose"
WATCHED = {"agreement": {"other:rating|rating": {"gamma": -0.2, "pairs": 6}}, "means": {}, "warnings": ["other fell"]}


def test_judges_and_watchers_are_rows_with_their_length_bias_agreement_and_warnings(tmp_path):
    said = {"agreement": AGREEMENT, "means": GAINED, "spread": {"instruction": 0.2}, "warnings": [WARNING]}
    write_json(tmp_path / "select/reset.json", {"judges": {"instruction": said}})
    verdicts = {"other:rating": {"n": 5, "nulls": 1, "mean": 0.3}}
    content = {"pools": {"mtl": verdicts}, "choices": {"reset": {"instruction": WATCHED}}}
    write_json(tmp_path / "watch/other.json", content)
    place = {"curated": "reset", "task": "instruction"}
    assert judges.means(tmp_path)[0] == {
        **place,
        "verdict": "rating",
        "pool": 0.4,
        "winners": 0.6,
        "gamma_with_length": 0.5,
    }
    assert judges.agreement(tmp_path) == [
        {**place, "first": "rating", "second": "rating_weak", "gamma": 0.9, "pairs": 7},
        {**place, "first": "other:rating", "second": "rating", "gamma": -0.2, "pairs": 6},
    ]
    assert judges.spread(tmp_path) == [{**place, "axis": "instruction", "spread": 0.2}]
    assert judges.warnings(tmp_path) == [{**place, "warning": WARNING}, {**place, "warning": "other fell"}]
    assert judges.watched(tmp_path) == [
        {"watcher": "other", "pool": "mtl", "verdict": "other:rating", "n": 5, "nulls": 1, "mean": 0.3}
    ]


def test_a_run_without_choices_has_nothing_to_say_of_judges(tmp_path):
    for rows in (judges.means, judges.agreement, judges.spread, judges.warnings, judges.watched):
        assert rows(tmp_path) == []
