"""Unanswerable prompts from their source to the choice and the scores, by the objectives of the study of abstention."""

import json
from pathlib import Path
from typing import Any

import pytest

from reset import objectives as declared
from reset.choosing.candidates import Bars
from reset.choosing.combining import Rule
from reset.choosing.select import keep_best
from reset.examples.example_rows import example_row
from reset.files import fast_yaml, schemas, tables
from reset.judges.abstention import Abstention
from reset.judges.lexical import Lexical
from reset.judging.judge import judge
from reset.scoring.evaluate import evaluate
from reset.sources import Example
from reset.sources.micro import Micro, Unanswerable
from tests.support import ROOT

REPLY = "nobody knows."


@pytest.fixture
def study() -> dict[str, Any]:
    """The objectives of extractive questions in the study."""
    paper = fast_yaml.load((ROOT / "conf/objectives/paper.yaml").read_text())["objectives"]
    own = fast_yaml.load((ROOT / "conf/studies/abstention.yaml").read_text())["objectives"]
    rows = {name: {**paper.get(name, {}), **row} for name, row in own.items()}
    return {
        name: {**row, "verdicts": {"extractive_qa": row["verdicts"]["extractive_qa"]}} for name, row in rows.items()
    }


def answers(example: dict[str, Any], texts: dict[str, str]) -> list[dict[str, Any]]:
    fixed = {"system": "s", "sweep": 0, "temperature": 0.0, "top_k": 0, "seed": 0, "tokens": 3, "finish_reason": "stop"}
    known = {key: example[key] for key in ("example_id", "dataset", "task")}
    return [
        {**known, **fixed, "answer_id": f"{example['example_id']}|{name}", "setting": name, "text": text}
        | {"mean_logprob": -1.0}
        for name, text in texts.items()
    ]


def judged(folder: Path, pool: str) -> list[Path]:
    """The verdicts of both judges on a pool."""
    judges = {
        "lexical": Lexical(name="lexical"),
        "abstention": Abstention(name="abstention", phrases=["nobody knows"], most_words=8),
    }
    for name, by in judges.items():
        judge(
            *(folder / f"{pool}.parquet", folder / "prompts.parquet", by, folder / f"{pool}_{name}.parquet"),
            **{"name": name, "chunks_folder": folder / "chunks", "chunk_answers": 50, "max_null": 0.0},
            fingerprint_parts={"judge": name},
        )
    return [folder / f"{pool}_{name}.parquet" for name in judges]


def test_who_abstains_where_it_should_wins_and_is_scored(tmp_path: Path, study: dict[str, Any]) -> None:
    source = Micro(kind="nq", rows={"train": 60}, seed=0, noise=None, unanswerable=Unanswerable(0.4, REPLY))
    made = [one for one in source.outcomes(source.generate("train")) if isinstance(one, Example)]
    examples = [example_row(one, "nq", "train") for one in made]
    untold = {row["example_id"] for row in examples if row["checks"]}
    assert 10 < len(untold) < 50
    span = {row["example_id"]: " ".join(row["passages"][0].split()[-2:]) for row in examples}
    right = {row["example_id"]: row["references"][0] for row in examples}
    tables.write(tmp_path / "prompts.parquet", schemas.EXAMPLES, examples)
    pool = [
        one
        for row in examples
        for one in answers(
            row, {"span": span[row["example_id"]], "none": "nobody knows", "right": right[row["example_id"]]}
        )
    ]
    tables.write(tmp_path / "pool.parquet", schemas.ANSWERS, pool)
    objectives = declared.read(study)
    account, _ = keep_best(
        *(tmp_path / "pool.parquet", judged(tmp_path, "pool"), tmp_path / "prompts.parquet", tmp_path / "kept.parquet"),
        **{"objectives": objectives, "sweeps": 1, "pick": "best", "share": 1.0, "seed": 0, "template": "micro"},
        **{"rating": "rating", "bars": Bars(), "rule": Rule()},
    )
    assert account.rows_out == len(examples)
    for row in tables.read(tmp_path / "kept.parquet", schemas.CURATED):
        abstains = "nobody knows" in row["response"]
        assert abstains == (row["example_id"] in untold)
        assert row["response"].rstrip(".") == right[row["example_id"]].rstrip(".")

    always = [one for row in examples for one in answers(row, {"none": "nobody knows"})]
    tables.write(tmp_path / "always.parquet", schemas.ANSWERS, always)
    _, summary = evaluate(
        *(
            tmp_path / "always.parquet",
            judged(tmp_path, "always"),
            tmp_path / "prompts.parquet",
            tmp_path / "s.parquet",
        ),
        **{"objectives": objectives, "groups": {"nq": "seen"}, "bootstrap": 10, "seed": 0},
    )
    means = {name: one["mean"] for name, one in summary["macro"].items() if isinstance(one, dict)}
    share = len(untold) / len(examples)
    assert (means["prudence"], means["over_refusal"]) == (1.0, 1.0)
    assert means["abstention"] == pytest.approx(share, abs=1e-3)
    assert means["faithfulness"] == pytest.approx(share, abs=1e-3)  # a span where there is one, prudence elsewhere
    assert json.loads(examples[0]["checks"] or "{}") in ({}, {"answerable": False})
