"""Stages `identify`, `judge` and `select` with a judge that is paid: only what a selection reads is asked for."""

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner

from reset.files import schemas, tables
from stages import identify, judge, select
from tests.support import lines
from tests.support.chat_server import Server, settings

pytestmark = pytest.mark.slow

PROMPTS, ANSWERS = "data/prompts/candidates.parquet", "data/answers/mtl_candidates.parquet"
VERDICTS = Path("data/verdicts/mtl_candidates")


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that rates an answer by the number in it; the weak model says one less."""

    def reply(body: tables.Row) -> str:
        number = int(body["messages"][0]["content"].split("Text ")[1][0])
        return f"Rating: [[{number - (body['model'] == 'weak')}]]"

    with Server(reply) as running:
        yield running
        running.shutdown()


@pytest.fixture
def run(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Instructions with two answers of each of two sweeps, the second sweep's better; a rater behind `server`."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("RESET_TRACKING", "0")
    monkeypatch.setenv("RESET_LEDGER", str(tmp_path / "replies.sqlite"))
    monkeypatch.chdir(lines.write(tmp_path))
    p = yaml.safe_load(Path("params.yaml").read_text())
    options = {"model": "strong", "weak_model": "weak", "pairwise_model": None, "server": settings(server)}
    p["judges"]["rater"] = {"kind": "openai", "needs": "reset/llm", "model": None, "options": options}
    Path("params.yaml").write_text(yaml.safe_dump(p))
    prompts = [lines.example("alpaca", "train", number) for number in range(3)]
    tables.write(Path(PROMPTS), schemas.EXAMPLES, prompts)
    texts = {"t0.1": 4, "t0.7": 5, "k5": 6, "k50": 7}
    answers = [
        lines.answer(row, "mtl", setting, f"Text {number} on {row['example_id']}.")
        | {"sweep": int(setting[0] == "k"), "answer_id": f"{row['example_id']}|{setting}"}
        for row in prompts
        for setting, number in texts.items()
    ]
    tables.write(Path(ANSWERS), schemas.ANSWERS, answers)
    for name in ("lexical", "summac"):
        tables.write(VERDICTS / f"{name}.parquet", schemas.VERDICTS, [])
    return tmp_path


def call(stage: click.Command, *arguments: str) -> str:
    done = CliRunner().invoke(stage, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def judged() -> str:
    call(identify.main, "rater", "data/judges/rater.json")
    places = ("data/judges/rater.json", ANSWERS, PROMPTS, str(VERDICTS / "rater.parquet"))
    return call(judge.main, "rater", "mtl_candidates", *places)


def chosen(name: str) -> list[tuple[str, float]]:
    call(select.main, name, ANSWERS, PROMPTS, str(VERDICTS), f"data/curated/{name}.parquet")
    rows = tables.read(Path(f"data/curated/{name}.parquet"), schemas.CURATED)
    return [(row["answer_id"], row["score"]) for row in rows]


def test_the_strong_rater_is_asked_about_the_sweep_that_it_chooses_from_alone(run: Path, server: Server) -> None:
    said = judged()
    assert "judge mtl_candidates/rater: 18 requests to make" in said
    assert "; not asked, because no row of `curated` or `evaluate` reads it: rating of 6 answers\n" in said
    assert [sum(body["model"] == name for body in server.asked) for name in ("strong", "weak")] == [6, 12]
    metrics = json.loads(Path("metrics/judge/mtl_candidates/rater.json").read_text())
    assert (metrics["sweeps_read"], metrics["gold_read"]) == ({"rating": 1, "rating_weak": 2}, [])
    assert {name: counts["n"] for name, counts in metrics["verdicts"].items()} == {"rating": 6, "rating_weak": 12}


def test_what_is_chosen_is_what_all_verdicts_would_choose_and_more_is_asked_when_more_is_read(
    run: Path, server: Server
) -> None:
    judged()
    few = {name: chosen(name) for name in ("reset", "reset_s", "random")}
    assert {answer_id.rpartition("|")[2] for answer_id, _ in few["reset"]} == {"t0.7"}
    assert {answer_id.rpartition("|")[2] for answer_id, _ in few["reset_s"]} == {"k50"}
    text = Path("params.yaml").read_text()
    p = yaml.safe_load(text)
    p["curated"]["more"] = p["curated"]["reset"] | {"sweeps": 2}
    Path("params.yaml").write_text(yaml.safe_dump(p))
    said = judged()
    assert "6 requests to make, 18 (75%) in the ledger" in said and "not asked" not in said
    assert len(server.asked) == 24
    assert {name: chosen(name) for name in few} == few
    assert {answer_id.rpartition("|")[2] for answer_id, _ in chosen("more")} == {"k50"}


def test_of_a_judge_that_is_not_paid_nothing_is_said_of_what_is_read(run: Path) -> None:
    call(identify.main, "lexical", "data/judges/lexical.json")
    assert "read" not in json.loads(Path("data/judges/lexical.json").read_text())
