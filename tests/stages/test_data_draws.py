"""Stages `draw` and `mix` under other seeds: models change with `seed`, the data that they see do not (footnote 4)."""

from collections.abc import Callable
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner

from reset.files import schemas, tables
from stages import draw, mix

pytestmark = pytest.mark.slow

Composed = Callable[[str], Path]
NAMES = ("nq", "instructions")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESET_TRACKING", "0")
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        for split, count in (("train", 60), ("dev", 20), ("test", 40)):
            rows = (example(name, split, number) for number in range(count))
            tables.write(tmp_path / f"data/examples/{name}/{split}.parquet", schemas.EXAMPLES, rows)
    tables.write(tmp_path / "data/screen.parquet", schemas.SCREENED, [])
    return tmp_path


def example(dataset: str, split: str, number: int) -> tables.Row:
    texts = {"task": "instruction", "instruction": f"do {number}", "question": "", "passages": []}
    key = {"example_id": f"{dataset}/{split}/{number}", "dataset": dataset, "split": split}
    return {**key, **texts, "references": [f"done {number}", f"{number}"], "checks": None}


def drawn(composed: Composed, **seeds: int) -> dict[str, list[tuple[str, str]]]:
    """Test prompts, candidates, and training and dev rows of a mixture, as the stages draw them under `seeds`."""
    p = yaml.safe_load(composed("micro").read_text())
    p["tracking"]["enabled"] = False
    p["mix"]["references"] = "drawn"
    p["prompts"] = {
        "test": {"split": "test", "skip": 0, "rows": dict.fromkeys(NAMES, 10)},
        "candidates": {"split": "train", "skip": 0, "rows": dict.fromkeys(NAMES, 10)},
    }
    parts = {name: [name] for name in NAMES}
    p["mixtures"] = {"mtl": {"parts": parts, "take": {"nq": 15}, "rows": 20, "dev_rows": 5}}
    p["curated"] = {name: row for name, row in p["curated"].items() if row["prompts"] == "candidates"}
    p["systems"] = {"mtl": {**p["systems"]["mtl"], "init": "base/micro"}}
    p["pools"] = {name: row for name, row in p["pools"].items() if row["model"] in ("mtl", "base/micro")}
    p["evaluate"] |= {"systems": ["mtl"], "groups": {"nq": "seen", "instructions": "instruction"}}
    p["report"] |= {"comparisons": [], "pipelines": {}, "paper_rows": {}}
    Path("params.yaml").write_text(yaml.safe_dump(p | seeds))
    tables_drawn = {}
    for name in p["prompts"]:
        call(draw.main, name, "data/examples", "data/screen.parquet", f"data/prompts/{name}.parquet")
        rows = tables.read(Path(f"data/prompts/{name}.parquet"), schemas.EXAMPLES)
        tables_drawn[name] = [(row["example_id"], "") for row in rows]
    call(mix.main, "mtl", "data/examples", "data/screen.parquet", "data/mtl.parquet", "data/mtl.dev.parquet")
    for name in ("mtl", "mtl.dev"):
        rows = tables.read(Path(f"data/{name}.parquet"), schemas.MIXTURES)
        tables_drawn[name] = [(row["example_id"], row["response"]) for row in rows]
    return tables_drawn


def call(stage: click.Command, *arguments: str) -> None:
    done = CliRunner().invoke(stage, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output


def test_another_seed_draws_the_same_prompts_and_mixtures(run: Path, composed: Composed) -> None:
    first = drawn(composed, seed=0)
    assert {name: len(rows) for name, rows in first.items()} == {"test": 20, "candidates": 20, "mtl": 40, "mtl.dev": 10}
    assert drawn(composed, seed=1) == drawn(composed, seed=2) == first


def test_another_seed_of_the_data_draws_others(run: Path, composed: Composed) -> None:
    first, other = drawn(composed, data_seed=0), drawn(composed, data_seed=1)
    assert all(set(first[name]) != set(other[name]) for name in first)
