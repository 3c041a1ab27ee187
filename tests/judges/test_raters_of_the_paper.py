"""The raters of conf/raters: open models behind servers of their own, or OpenAI's present models."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reset import params
from reset.errors import ResetError
from reset.judges import Answer, Read
from reset.judges.openai import OpenAIRater
from tests.support.chat_server import Server, completion, today

pytestmark = pytest.mark.slow

Composed = Callable[[str], Path]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    """A server that replies as OpenAI's API does today."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("RESET_LEDGER", str(tmp_path / "replies.sqlite"))
    with Server(today) as running:
        yield running
        running.shutdown()


def rater(composed: Composed, scale: str, *servers: Server, **changed: Any) -> OpenAIRater:
    """The rater of a scale, told to ask `servers`: the first is the strong model's, the last the weak one's."""
    options = params.load(composed(scale)).judges["rater"].options
    strong, weak = ({"base_url": one.base_url} for one in (servers[0], servers[-1]))
    server = {**options["server"], "requests_per_minute": None, "tokens_per_minute": None, **strong, **changed}
    return OpenAIRater(name="rater", **{**options, "server": server, "weak_server": weak})


def answer(number: int, *, split: str = "train", sweep: int = 0) -> Answer:
    return Answer(f"a{number}", f"Duck {number}.", "instruction", split, "Describe a duck.", "", [], [], None, sweep)


def test_todays_api_rates_with_the_fields_of_the_gpt_raters(server: Server, composed: Composed) -> None:
    verdicts = list(rater(composed, "paper raters=gpt", server).verdicts([answer(1)]))
    assert [(v.name, v.score) for v in verdicts] == [("rating", 0.5), ("rating_weak", 0.5)]
    sent = [{name: body[name] for name in body if name not in ("messages", "model")} for body in server.asked]
    assert sent == [{"max_completion_tokens": 2048, "reasoning_effort": "low"}] * 2


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Use 'max_completion_tokens' instead."),
        ({"max_tokens": None, "max_completion_tokens": 900}, "'temperature' does not support 0 with this model."),
    ],
)
def test_fields_that_todays_api_refuses_stop_after_one_request_and_are_named(
    server: Server, composed: Composed, fields: dict[str, Any], said: str
) -> None:
    asked = [answer(number) for number in range(5)]
    with pytest.raises(ResetError) as raised:
        list(rater(composed, "paper raters=gpt", server, fields=fields).verdicts(asked))
    assert said in raised.value.message
    assert "judges.rater.options.server.fields in params.yaml changes the fields of a request" in raised.value.message
    assert len(server.asked) == 1


def test_a_reasoning_models_thoughts_are_left_out_and_a_budget_spent_on_them_gives_null(
    server: Server, composed: Composed
) -> None:
    server.reply = lambda body: today(body, "<think>Perhaps [[9]].</think>Good. Rating: [[6]]")
    scores = [v.score for v in rater(composed, "paper raters=gpt", server).verdicts([answer(1)])]
    assert scores == [0.6, 0.6]
    server.reply = lambda body: completion(body["model"], None, finish_reason="length")
    verdicts = list(rater(composed, "paper raters=gpt", server).verdicts([answer(2)]))
    assert {v.reason for v in verdicts} == {"the reply is not finished: finish_reason 'length'"}


def test_open_raters_are_asked_as_the_paper_says_each_at_its_own_server(server: Server, composed: Composed) -> None:
    server.reply = lambda body: "Rating: [[8]]"
    with Server(lambda body: "Rating: [[3]]") as weak:
        verdicts = list(rater(composed, "paper", server, weak).verdicts([answer(1), answer(2, split="test")]))
        weak.shutdown()
    assert [(v.answer_id, v.name, v.score) for v in verdicts] == [
        *(("a1", "rating", 0.8), ("a1", "rating_weak", 0.3), ("a2", "rating", 0.8)),
    ]
    assert [(len(one.asked), {body["model"] for body in one.asked}) for one in (server, weak)] == [
        (2, {"Qwen/Qwen3-30B-A3B-Instruct-2507"}),
        (1, {"Qwen/Qwen3-4B-Instruct-2507"}),
    ]
    assert {(body["temperature"], body["max_tokens"]) for one in (server, weak) for body in one.asked} == {(0.0, 512)}


def test_only_verdicts_that_something_reads_are_asked_for(server: Server, composed: Composed) -> None:
    judge = rater(composed, "paper raters=gpt", server)
    asked = [answer(number, sweep=number) for number in range(2)]
    line = judge.prepare(asked, "mtl_candidates", Read({"rating": 1, "rating_weak": 2}))
    assert line.startswith("3 requests to make")
    names = [(v.answer_id, v.name) for v in judge.verdicts(asked)]
    assert names == [("a0", "rating"), ("a0", "rating_weak"), ("a1", "rating_weak")]
    assert sorted(body["model"] for body in server.asked) == ["gpt-5", "gpt-5-mini", "gpt-5-mini"]
