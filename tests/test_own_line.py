"""A user's records from raw files to the report: in a language without blanks, and on models of six families."""

import csv
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.clones import clone, ran, run
from tests.support.families import FAMILIES
from tests.support.fewer import write_only
from tests.support.whole_lines import SIX, six_families

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
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


def test_records_in_a_language_without_blanks_go_through_the_line_that_init_makes_of_them(tmp_path: Path) -> None:
    folder = clone(tmp_path / "line")
    chinese(tmp_path / "mine")
    assert "written" in run(folder, sys.executable, "-m", "reset.cli.main", "init", "--yes")
    write_only(folder / "params.yaml", ("mtl", "mtl_reset"))
    assert {"train@mtl_reset", "report"} <= ran(run(folder, "dvc", "repro"))
    assert account(folder, "prepare/questions.json")["rows_out"] > 70
    lexical = account(folder, "judge/mtl/lexical.json")["verdicts"]
    assert all(figures["nulls"] < figures["n"] for figures in lexical.values())
    assert (folder / "metrics/report/index.html").is_file()
    assert ran(run(folder, "dvc", "repro")) == set()


def test_models_of_six_families_are_trained_answer_and_are_trained_again(tmp_path: Path) -> None:
    folder = clone(tmp_path / "line")
    english(tmp_path / "mine")
    for family in SIX:
        FAMILIES[family].save(tmp_path / "models" / family)
    study = yaml.safe_dump(six_families(tmp_path / "models"), sort_keys=False)
    (folder / "conf/studies/families.yaml").write_text(f"# @package _global_\n{study}")
    overrides = ("scale=own", "data_folder=../mine", "template=chat", "+studies=families")
    run(folder, sys.executable, "-m", "reset.cli.compose", *overrides)
    stages = ran(run(folder, "dvc", "repro", *(f"evaluate@{family}_reset" for family in SIX)))
    assert {f"train@{family}_reset" for family in SIX} <= stages
    run(folder, "dvc", "repro", "--single-item", "report")
    scored = json.loads((folder / "metrics/report/overview.json").read_text())
    assert {row["system"] for row in scored} >= {f"{family}_reset" for family in SIX}
