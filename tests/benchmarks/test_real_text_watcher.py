"""What a watcher of several runs said, gathered from their folders."""

import json
from pathlib import Path

import pytest

from benchmarks import real_text_watcher
from reset.files import schemas, tables

SCORES = {"mtl": (0.2, 0.4, None), "mtl_reset": (0.5, 0.7, 0.9)}


def run(folder: Path, more: float) -> Path:
    """A run in which all scores are `more` above `SCORES`; a null is an answer that the watcher cannot judge."""
    for system, scores in SCORES.items():
        rows = [
            {
                "answer_id": f"nq/test/{number}|t0.0|0",
                "name": "summac",
                "score": None if score is None else score + more,
                "reason": None,
                "detail": None,
            }
            for number, score in enumerate(scores)
        ]
        tables.write(folder / f"data/watched/second/{system}.parquet", schemas.VERDICTS, rows)
    figures = {"means": {"summac": {"pool": 0.5 + more, "winners": 0.6 + more}}}
    choices = {"choices": {"reset": {"extractive_qa": figures, "instruction": {"means": {}}}}}
    tables.write_json(folder / "metrics/watch/second.json", choices)
    return folder


def test_means_and_paired_differences_are_over_the_prompts_that_both_were_judged_on(tmp_path: Path) -> None:
    runs = [run(tmp_path / "seed-0", 0.0), run(tmp_path / "seed-1", 0.1)]
    found = real_text_watcher.gather(runs, "second", [("mtl_reset", "mtl")])
    assert found["means"]["mtl"] == {"nq": pytest.approx(0.35), "all": pytest.approx(0.35)}
    assert found["means"]["mtl_reset"]["all"] == pytest.approx(0.75)
    (difference,) = found["differences"]
    assert (difference["system"], difference["against"]) == ("mtl_reset", "mtl")
    assert difference["mean"] == pytest.approx(0.3)
    assert json.loads(json.dumps(found)) == found


def test_the_choice_is_told_where_the_watcher_judges_the_task(tmp_path: Path) -> None:
    runs = [run(tmp_path / "seed-0", 0.0), run(tmp_path / "seed-1", 0.1)]
    found = real_text_watcher.gather(runs, "second", [("mtl_reset", "mtl")])
    assert found["choices"] == {"reset/extractive_qa": {"pool": pytest.approx(0.55), "winners": pytest.approx(0.65)}}
