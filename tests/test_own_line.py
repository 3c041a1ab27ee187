"""Scale `own` from raw records to the report: in a language without blanks, and on models of six families."""

import csv
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.clones import clone, ran, run
from tests.support.families import FAMILIES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
SIX = ("gpt_2", "llama_3", "qwen_3", "gemma_3", "phi_3", "smollm_2_instruct")
PLACES, THINGS = ("北京", "上海", "广州", "成都", "杭州"), ("茶", "书", "船", "桥", "山", "花", "鱼", "灯")


def write(folder: Path, instructions: list[dict[str, str]], questions: list[dict[str, str]]) -> None:
    folder.mkdir()
    lines = (json.dumps(row, ensure_ascii=False) for row in instructions)
    (folder / "instructions.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with (folder / "questions.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ["question", "context", "answer"])
        writer.writeheader()
        writer.writerows(questions)


def chinese(folder: Path) -> None:
    pairs = [(place, thing, number) for place in PLACES for thing in THINGS for number in range(2)]
    write(
        folder,
        [{"instruction": f"请用一句话介绍{p}的第{n}个{t}。", "response": f"{p}的{t}很有名。"} for p, t, n in pairs],
        [
            {"question": f"请问第{n}个{t}在哪里", "context": f"第{n}个{t}在{p}。它很旧。人们喜欢它。", "answer": p}
            for p, t, n in pairs
        ],
    )


def english(folder: Path) -> None:
    names = [
        f"{first}{second}" for first in ("mi", "to", "an", "le") for second in ("ra", "ma", "na", "sa", "la", "va")
    ]
    write(
        folder,
        [{"instruction": f"Greet {name}.", "response": f"hello {name}, the mill is new."} for name in names],
        [
            {
                "question": f"What is the home of {name}?",
                "context": f"{name} lives in the red mill.",
                "answer": "red mill",
            }
            for name in names
        ],
    )


def account(folder: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "metrics" / name).read_text())
    return content


def test_records_in_a_language_without_blanks_go_through_the_whole_line(tmp_path: Path) -> None:
    folder = clone(tmp_path / "line")
    chinese(tmp_path / "mine")
    run(folder, sys.executable, "-m", "reset.cli.compose", "scale=own", "data_folder=../mine")
    assert "report" in ran(run(folder, "dvc", "repro"))
    assert account(folder, "prepare/manuals.json")["rows_out"] > 70
    lexical = account(folder, "judge/mtl/lexical.json")["verdicts"]
    assert all(figures["nulls"] < figures["n"] for figures in lexical.values())
    assert (
        "北京" in (folder / "metrics/report/report.md").read_text() or (folder / "metrics/report/index.html").is_file()
    )
    assert ran(run(folder, "dvc", "repro")) == set()


def rows(tmp_path: Path) -> dict[str, Any]:
    """Rows of params.yaml: each family is trained on the mixture, answers, is judged, chosen from and trained again."""
    for family in SIX:
        FAMILIES[family].save(tmp_path / "models" / family)
    paths = {family: str(tmp_path / "models" / family) for family in SIX}
    again = {name: f"{name}_reset" for name in SIX}
    reset = {"prompts": "candidates", "sweeps": 1, "pick": "best", "share": 1.0, "rating": "rating"}
    reset |= {"truncated": "keep", "looping": "keep", "floor": {}}
    system = {"dev": "mtl", "keep": []}
    return {
        "base": {
            name: {"kind": "hub", "needs": path, "options": {"id": path, "revision": None}}
            for name, path in paths.items()
        },
        "systems": {
            **{f: {**system, "init": f"base/{f}", "data": "mixtures/mtl", "recipe": "full"} for f in SIX},
            **{again[f]: {**system, "init": f, "data": f"curated/{f}", "recipe": "continued"} for f in SIX},
        },
        "pools": {
            **{f"{f}_candidates": {"model": f, "prompts": "candidates", "decode": "intent", "sweeps": 1} for f in SIX},
            **{again[f]: {"model": again[f], "prompts": "test", "decode": "greedy", "sweeps": 1} for f in SIX},
        },
        "curated": {f: {**reset, "pool": f"{f}_candidates"} for f in SIX},
        "evaluate": {"systems": [*again.values()]},
        "prompts": {"test": {"rows": {"chat": 2, "manuals": 2}}, "candidates": {"rows": {"chat": 4, "manuals": 4}}},
        "report": {"comparisons": [[again["gpt_2"], again["llama_3"]]]},
        "sample": {"max_tokens": 12, "max_prompt_tokens": 400},
        "train": {"max_tokens": 512},
    }


def test_models_of_six_families_are_trained_answer_and_are_trained_again(tmp_path: Path) -> None:
    folder = clone(tmp_path / "line")
    english(tmp_path / "mine")
    study = yaml.safe_dump(rows(tmp_path), sort_keys=False)
    (folder / "conf/studies/families.yaml").write_text(f"# @package _global_\n{study}")
    overrides = ("scale=own", "data_folder=../mine", "template=chat", "+studies=families")
    run(folder, sys.executable, "-m", "reset.cli.compose", *overrides)
    stages = ran(run(folder, "dvc", "repro", *(f"evaluate@{family}_reset" for family in SIX)))
    assert {f"train@{family}_reset" for family in SIX} <= stages
    run(folder, "dvc", "repro", "--single-item", "report")
    scored = json.loads((folder / "metrics/report/overview.json").read_text())
    assert {row["system"] for row in scored} >= {f"{family}_reset" for family in SIX}
