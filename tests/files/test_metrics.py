"""Metrics are read at the scale that they are of, and of rows that params.yaml has."""

from pathlib import Path

import pytest

from reset.files import metrics
from reset.files.tables import write_json


def test_figures_of_another_scale_or_of_none_are_not_read(tmp_path: Path) -> None:
    for name, content in {"own": {"scale": "own"}, "micro": {"scale": "micro"}, "silent": {}}.items():
        write_json(tmp_path / f"{name}.json", {**content, "rows": 3})
    read = {name: metrics.read(tmp_path / f"{name}.json", "own") for name in ("own", "micro", "silent", "absent")}
    assert read == {"own": {"rows": 3}, "micro": {}, "silent": {}, "absent": {}}


def test_rows_that_params_yaml_has_no_more_are_not_shown(tmp_path: Path) -> None:
    for name in ("mtl/lexical", "mtl/gone", "gone/lexical"):
        write_json(tmp_path / f"judge/{name}.json", {"scale": "own", "n": 1})
    write_json(tmp_path / "judge/old/lexical.json", {"scale": "micro", "n": 1})
    own = metrics.Metrics(tmp_path, "own", {"judge": ["mtl/lexical", "old/lexical", "new/lexical"]})
    assert own.of("judge") == {"mtl/lexical": {"n": 1}}
    assert own.of("select") == {}


@pytest.mark.parametrize(
    ("table", "file"),
    [
        ("data/raw/nq/train.jsonl", "metrics/fetch/nq.json"),
        ("data/examples/nq/train.parquet", "metrics/prepare/nq.json"),
        ("data/mixtures/mtl.dev.parquet", "metrics/mix/mtl.json"),
        ("data/answers/mtl.parquet", "metrics/sample/mtl.json"),
        ("data/verdicts/mtl/lexical.parquet", "metrics/judge/mtl/lexical.json"),
        ("data/scores/mtl.parquet", "metrics/systems/mtl.json"),
        ("data/screen.parquet", None),
        ("metrics/mix/mtl.json", None),
        ("data/answers", None),
    ],
)
def test_the_metrics_beside_a_table_are_those_of_the_stage_that_wrote_it(table: str, file: str | None) -> None:
    assert metrics.beside(table) == file


def test_a_table_is_of_the_scale_that_the_metrics_beside_it_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_json(Path("metrics/sample/mtl.json"), {"scale": "micro"})
    assert metrics.of_another(Path("data/answers/mtl.parquet"), "own")
    assert not metrics.of_another(Path("data/answers/mtl.parquet"), "micro")
    assert not metrics.of_another(Path("data/answers/new.parquet"), "own")
