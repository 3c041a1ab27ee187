"""Stages `sample`, `judge` and `select` as they run, on a small model: sweeps until enough, competing references."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from reset.files import schemas, tables
from reset.micro.words import ANIMALS, NAMES, TOWNS
from tests.support import warm
from tests.support.paper_objectives import PLAIN

PROMPTS = 24
POOL = "mtl_candidates"
OF_QUESTIONS = {"instruction": "span_coverage", "style": "exact_match"}  # objective -> its verdict
pytestmark = pytest.mark.slow


@pytest.fixture
def stage(micro_model, minimal, example_row, tmp_path):
    """A function that runs a stage of the pool in the folder of the test; it returns its last line."""
    draw = random.Random(0)
    words = NAMES + TOWNS + ANIMALS
    rows = [example_row(n, passages=[" ".join(draw.choices(words, k=5 + n))]) for n in range(PROMPTS)]
    for row in rows:
        row["references"] = [" ".join(row["passages"][0].split()[1:3])]
    tables.write(tmp_path / "prompts.parquet", schemas.EXAMPLES, rows)
    lexical = {"kind": "lexical", "needs": "reset/normalise.py", "model": None, "options": {}}
    speaks = {name: {**PLAIN, "verdicts": {"extractive_qa": verdict}} for name, verdict in OF_QUESTIONS.items()}
    minimal |= {"judges": {"lexical": lexical}, "objectives": speaks, "store": {"max_gb": 1.0}}
    minimal["watchers"]["words"]["options"], minimal["watchers"]["words"]["verdicts"] = (
        {"more": ["k_precision"]},
        ["k_precision"],
    )
    minimal["pools"][POOL] |= {"sweeps": 3}
    minimal["curated"]["reset"]["sweeps"] = 3
    minimal["sample"] |= {"max_tokens": 12, "chunk_prompts": 5}

    def run(name: str, *arguments: str, **pool: Any) -> str:
        content = {**minimal, "pools": {**minimal["pools"], POOL: {**minimal["pools"][POOL], **pool}}}
        content["curated"] = {"reset": minimal["curated"]["reset"] | {"gold": bool(pool.get("gold"))}}
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
        done = subprocess.run(
            [sys.executable, "-m", f"stages.{name}", *arguments],
            cwd=tmp_path,
            env={**warm.environment(), "RESET_TRACKING": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout.splitlines()[-1]

    run.model = str(micro_model)
    run.folder = tmp_path
    return run


def sample(stage, into="answers.parquet", **pool):
    line = stage("sample", POOL, stage.model, "prompts.parquet", into, "asked.parquet", **pool)
    metrics = json.loads((stage.folder / f"metrics/sample/{POOL}.json").read_text())
    return line, list(tables.read(stage.folder / into, schemas.ANSWERS)), metrics


def test_the_stage_says_what_was_saved_and_takes_the_rest_from_the_store(stage):
    until = {"answers": 2, "f1": None}
    line, rows, metrics = sample(stage, until=until)
    told = metrics["until"]
    assert told["sampled"] == len(rows) == metrics["rows_out"] < told["full_pool"] == PROMPTS * 6
    assert f"sampled {len(rows)} of the {told['full_pool']} answers of a full pool; prompts with enough: " in line
    line, full, plain = sample(stage, into="full.parquet", until=None)
    last = {row["example_id"]: row["sweep"] for row in rows}
    assert rows == [row for row in full if row["sweep"] <= last[row["example_id"]]]
    assert "until" not in plain and "of a full pool" not in line
    taken = len(rows) - metrics["saved_answers"]
    assert f"; {taken} taken from the store, {len(full) - plain['saved_answers'] - taken} computed" in line


def test_a_reference_is_sampled_judged_and_chosen_from_one_stage_to_the_next(stage):
    _, plain, _ = sample(stage, into="plain.parquet")
    line, rows, metrics = sample(stage, gold=True)
    rows_in, taken = len(plain) + PROMPTS, len(plain) - metrics["saved_answers"]
    assert f"{rows_in} rows in, {rows_in} out ({PROMPTS} gold); {taken} taken from the store, 0 computed" in line
    golden = [row for row in rows if row["setting"] == "gold"]
    assert [row for row in rows if row not in golden] == plain and len(golden) == PROMPTS
    assert {row["tokens"] for row in golden} == {3}  # two words and the end token
    stage("identify", "lexical", "lexical.json", gold=True)
    verdicts = f"verdicts/{POOL}/lexical.parquet"
    stage("judge", "lexical", POOL, "lexical.json", "answers.parquet", "asked.parquet", verdicts, gold=True)
    judged = json.loads((stage.folder / f"metrics/judge/{POOL}/lexical.json").read_text())
    assert judged["verdicts"]["exact_match"]["gold"] == {"n": PROMPTS, "nulls": 0, "mean": 1.0}
    assert (judged["kept_by"], judged["verdicts"]["exact_match"]["n"]) == ({"gold": PROMPTS}, len(plain))
    last = stage(
        "select", "reset", "answers.parquet", "prompts.parquet", f"verdicts/{POOL}", "reset.parquet", gold=True
    )
    chosen = list(tables.read(Path(stage.folder / "reset.parquet"), schemas.CURATED))
    won = sum(row["setting"] == "gold" for row in chosen)
    assert won > PROMPTS / 2 and last.endswith(
        f"references that won: {won} of {PROMPTS} (extractive_qa {won} of {PROMPTS})"
    )
