"""People's labels stand with the answer whose text they read, the last of each person; what does not is counted."""

import json
from pathlib import Path
from typing import Any

import pytest

from reset.report import labels
from reset.report.labels import digest


def line(**other: Any) -> str:
    one = {
        "pool": "mtl",
        "answer_id": "nq/test/1|t0.0|0",
        "answer_hash": digest("blue"),
        "who": "ana",
        "at": "2026-01-01",
    }
    return json.dumps({**one, "objectives": {"task": 1.0}, "failures": ["invented"], "note": "", "points": 2, **other})


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def read_(*lines: str) -> labels.Labels:
        (tmp_path / "mtl.jsonl").write_text("\n".join(lines) + "\n")
        return labels.read(tmp_path)

    return read_


def test_the_last_label_of_each_person_stands(read: Any) -> None:
    again = line(at="2026-01-02", objectives={"task": 0.0}, failures=[])
    found = read(again, line(), line(who="bo", objectives={"task": None}))
    told = found.of("mtl", "nq/test/1|t0.0|0", "blue")
    assert told == [["ana", {"task": 0.0}, [], ""], ["bo", {"task": None}, ["invented"], ""]]
    assert found.problems() == ""


def test_a_label_of_a_text_that_is_gone_and_a_line_that_is_none_are_counted(read: Any) -> None:
    found = read(line(), "{", '{"pool": "mtl"}', line(who="bo", note=None), "[]")
    assert found.of("mtl", "nq/test/1|t0.0|0", "red") == []
    assert found.problems() == (
        "Not shown of labels/: lines that are no labels: 4, labels of texts that the pools no longer have: 1."
    )


def test_no_folder_is_no_labels(tmp_path: Path) -> None:
    assert labels.read(tmp_path / "none").of("mtl", "x", "y") == []
