"""`reset-lm ledger`: spend, export, re-parsing; nobody is asked."""

import json

import pytest
import yaml
from click.testing import CliRunner

from reset.cli.main import main
from reset.judges import prompt_path
from reset.llm import Question, Reply
from reset.llm.ledger import Ledger


@pytest.fixture
def path(tmp_path, monkeypatch):
    path = tmp_path / "replies.sqlite"
    monkeypatch.setenv("RESET_LEDGER", str(path))
    return path


@pytest.fixture
def filled(path):
    texts = ["Rating: [[7]]", "Rating: [[7]]", "No rating.", '{"rating": 4}', "[[A]]"]
    with Ledger(path) as ledger:
        for number, text in enumerate(texts):
            decoding = '{"max_tokens": 5, "response_format": {"type": "json_schema"}}' if "{" in text else "{}"
            question = Question("rater" if number else "other", "strong", f"Rate {number}.", decoding)
            reply = Reply(text, "stop", "strong-0613", None, 100, 10, 0.5, 1)
            ledger.put(question, reply, pool="mtl", base_url="http://127.0.0.1/v1", usd=0.002)
    return path


def run(*arguments):
    return CliRunner().invoke(main, ["ledger", *arguments])


def test_spend_is_shown_per_judge_and_pool(filled):
    rows = [line.split() for line in run().output.splitlines()]
    assert rows[0] == ["judge", "pool", "model", "replies", "retries", "tokens", "usd"]
    assert rows[1:] == [
        ["other", "mtl", "strong", "1", "0", "110", "0.0020"],
        ["rater", "mtl", "strong", "4", "0", "440", "0.0080"],
    ]


def test_replies_are_parsed_anew_and_those_without_a_rating_shown(filled):
    figures = json.loads(run("--judge", "rater", "--parse", "--json").output)
    assert figures["ratings"]["counts"] == {"4": 1, "7": 1, "A": 1, "none": 1}
    assert [row["text"] for row in figures["ratings"]["unread"]] == ["No rating."]
    assert "no rating in" in run("--parse").output


def test_a_reply_that_was_cut_off_has_no_rating(path):
    with Ledger(path) as ledger:
        reply = Reply("Rating: [[7]]", "length", "strong-0613", None, 100, 10, 0.5, 1)
        ledger.put(Question("rater", "strong", "?", "{}"), reply, pool="mtl", base_url="http://127.0.0.1/v1", usd=0.0)
    assert json.loads(run("--parse", "--json").output)["ratings"]["counts"] == {"none": 1}


def test_replies_to_a_prompt_file_are_read_by_its_rule(path, tmp_path, minimal, monkeypatch):
    monkeypatch.chdir(tmp_path)
    prompt_path("mine").parent.mkdir(parents=True)
    head = "---\ntasks: summarization\nscale: {least: 0, most: 1}\nread: {json: said}\nwords: {yes: 1, no: 0}\n---\n"
    prompt_path("mine").write_text(f"{head}{{answer}}")
    options = {"model": "strong", "prompt": "mine", "server": {}}
    minimal["judges"]["mine"] = {"kind": "openai", "needs": "reset/llm", "model": None, "options": options}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(minimal))
    with Ledger(path) as ledger:
        for text in ('{"said": "yes"}', '{"said": "no"}', "[[A]]"):
            reply = Reply(text, "stop", "strong-0613", None, 100, 10, 0.5, 1)
            ledger.put(Question("mine", "strong", text, "{}"), reply, pool="mtl", base_url="http://a/v1", usd=0.0)
    assert json.loads(run("--parse", "--json").output)["ratings"]["counts"] == {"0": 1, "1": 1, "none": 1}


def test_a_batch_is_forgotten_by_its_id(path):
    with Ledger(path) as ledger:
        ledger.uploaded("file-1", judge="rater", pool="mtl", base_url="http://127.0.0.1/v1")
        ledger.submitted("file-1", "batch-1")
    assert run("--forget-batch", "batch-1").exit_code == 0
    refused = run("--forget-batch", "batch-1")
    assert (refused.exit_code, "no open batch 'batch-1'" in refused.output) == (1, True)


def test_export_holds_every_row_whole(filled, tmp_path):
    assert run("--export", str(tmp_path / "replies.jsonl")).exit_code == 0
    rows = [json.loads(line) for line in (tmp_path / "replies.jsonl").read_text().splitlines()]
    assert len(rows) == 5
    assert (rows[1]["prompt"], rows[1]["served_model"], rows[1]["usd"]) == ("Rate 1.", "strong-0613", 0.002)


def test_without_a_ledger_the_command_says_so(path):
    refused = run()
    assert refused.exit_code == 1
    assert "no ledger; no judge has called a language model yet" in refused.output
    assert not path.exists()
