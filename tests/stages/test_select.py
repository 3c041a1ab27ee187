"""Stage `select` as it runs: what the rows say cannot win, who chooses, and what it says of it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from reset.files import schemas, tables
from stages import select as stage
from tests.support import lines


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESET_TRACKING", "0")
    monkeypatch.chdir(lines.write(tmp_path))
    return tmp_path


def select() -> str:
    arguments = ["reset", "data/answers/mtl_candidates.parquet", "data/prompts/candidates.parquet"]
    done = CliRunner().invoke(
        stage.main, [*arguments, "data/verdicts/mtl_candidates", "data/curated/reset.parquet"], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    return done.output


def change(run: Path, old: str, new: str) -> None:
    text = (run / "params.yaml").read_text()
    assert old in text
    (run / "params.yaml").write_text(text.replace(old, new))


def test_a_cut_off_answer_does_not_win_and_is_counted(run: Path) -> None:
    path = run / "data/answers/mtl_candidates.parquet"
    rows = [
        row | {"finish_reason": "length" if row["setting"] == "t0.1" else "stop"}
        for row in tables.read(path, schemas.ANSWERS)
    ]
    tables.write(path, schemas.ANSWERS, rows)
    assert select().endswith("select reset: 24 rows in, 24 out; winners that no judge rated above the lowest: 0\n")
    metrics = json.loads((run / "metrics/select/reset.json").read_text())
    assert (metrics["candidates_barred"], metrics["wins"]) == ({"truncated": 24}, {"k50": 24})
    change(run, "truncated: drop", "truncated: keep")
    assert select().endswith("winners that no judge rated above the lowest: 0, truncated: 24\n")
    metrics = json.loads((run / "metrics/select/reset.json").read_text())
    assert (metrics["candidates_barred"], metrics["let_in"]) == ({}, {"truncated": 24})


def test_a_stand_in_does_not_choose_by_default(run: Path) -> None:
    change(run, "stand_ins: []", "stand_ins: [summac]")
    select()
    rows = list(tables.read(run / "data/curated/reset.parquet", schemas.CURATED))
    assert {tuple(row["objectives"]) for row in rows if row["dataset"] == "wikisum"} == {("task",)}
    assert {row["score"] for row in rows if row["dataset"] == "wikisum"} == {0.45}  # ROUGE-L alone
    change(run, "stand_ins: false", "stand_ins: true")
    select()
    rows = list(tables.read(run / "data/curated/reset.parquet", schemas.CURATED))
    assert {row["score"] for row in rows if row["dataset"] == "wikisum"} == {2.25}
    assert json.loads((run / "metrics/select/reset.json").read_text())["stand_ins_chose"] == ["summac"]


def test_a_row_may_have_an_order_and_floors_of_its_own(run: Path) -> None:
    change(run, "combine: null", "combine: lexicographic")
    change(run, "floor: {}", "floor: {faithfulness: 0.5}")
    change(run, "normalise: none", "normalise: pool")
    select()
    metrics = json.loads((run / "metrics/select/reset.json").read_text())
    assert metrics["rule"] == {"combine": "lexicographic", "normalise": "pool"}
    assert metrics["candidates_barred"] == {"faithfulness below 0.5": 24}
