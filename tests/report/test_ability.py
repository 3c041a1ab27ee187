"""The table of general ability: IFEval's four accuracies and tasks of lm-evaluation-harness, per system."""

import json
from dataclasses import asdict

from reset.files import schemas, tables
from reset.judges import Answer
from reset.judges.verifiable import Verifiable
from reset.report import ability
from tests.support import folders

COMMA, QUOTED = {"id": "punctuation:no_comma", "kwargs": {}}, {"id": "startend:quotation", "kwargs": {}}
GERMAN = {"id": "language:response_language", "kwargs": {"language": "de"}}


def verdicts(path, *answers):
    """Write what judge `verifiable` says of answers, each a text and its instructions."""
    asked = [
        Answer(str(number), text, "instruction", "test", "", "", [], [], {"instructions": list(own)} if own else None)
        for number, (text, *own) in enumerate(answers)
    ]
    found = [asdict(one) for one in Verifiable(name="rules", languages="none").verdicts(asked)]
    tables.write(
        path,
        schemas.VERDICTS,
        [{**one, "detail": json.dumps(one["detail"]) if one["detail"] else None} for one in found],
    )
    return path


def test_prompt_level_counts_prompts_and_instruction_level_instructions(tmp_path):
    path = verdicts(
        tmp_path / "v.parquet",
        ('"one"', COMMA, QUOTED),
        ("one, two", COMMA),
        ("one", GERMAN),
        ("Alpaca's answer",),
    )
    assert ability.accuracies(path) == {
        "IFEval prompts": "3",
        "prompt strict": 0.5,
        "prompt loose": 0.5,
        "instruction strict": 2 / 3,
        "instruction loose": 2 / 3,
        "nulls": "1 prompts, 1 instructions",
    }


def test_answers_without_instructions_make_no_row(tmp_path):
    assert ability.accuracies(verdicts(tmp_path / "v.parquet", ("one",))) == {}
    assert ability.accuracies(tmp_path / "absent.parquet") == {}
    assert ability.rows(folders.metrics(tmp_path), ["mtl"], {}) == []


def test_systems_with_and_without_tasks_share_the_columns(tmp_path):
    path = verdicts(tmp_path / "v.parquet", ('"one"', QUOTED))
    told = {"acc": {"value": 0.5, "stderr": 0.1}, "f1": {"value": 0.25, "stderr": None}}
    folder = tmp_path / "metrics/watch/ability"
    folder.mkdir(parents=True)
    tables.write_json(folder / "mtl.json", {"scale": folders.SCALE, "tasks": {"quiz": {"metrics": told}}})
    other = {"scale": "another", "tasks": {"old": {"metrics": told}}}
    tables.write_json(folder / "base.json", other)
    base, mtl = ability.rows(folders.metrics(tmp_path), ["base", "mtl", "none"], {"base": path})
    assert [row["system"] for row in (base, mtl)] == ["base", "mtl"]
    assert list(base) == list(mtl)
    assert (base["prompt strict"], base["quiz: acc"]) == (1.0, None)
    assert (mtl["prompt strict"], mtl["quiz: acc"], mtl["quiz: acc, standard error"]) == (None, 0.5, 0.1)
    assert mtl["quiz: f1"] == 0.25 and "old: acc" not in mtl
