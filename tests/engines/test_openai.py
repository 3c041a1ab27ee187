"""Answers from a server: the very prompt asked for, each answer its own request, faults as the limits say."""

import threading
import time

import pytest

from reset.engines import Request
from reset.engines.openai.engine import OpenAIEngine
from reset.errors import ResetError
from reset.llm import asking
from reset.model.tokens import load_tokenizer
from reset.params import load
from reset.registry import ENGINES, build
from tests.support.chat_server import Fault, Server
from tests.support.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quick", "one_thread")]


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(asking, "_FIRST_WAIT_S", 0.01)
    monkeypatch.setenv("OPENAI_API_KEY", "secret-key")


@pytest.fixture
def server():
    with Server(spoken) as running:
        yield running
        running.shutdown()


def spoken(body, **more):
    """A completion whose tokens are the prompt's last one and the end token."""
    choice = {"index": 0, "text": "as the server has it", "finish_reason": "stop"}
    choice |= {"token_ids": [body["prompt"][-1], 2], "prompt_token_ids": body["prompt"]}
    choice |= {"logprobs": {"token_logprobs": [-1.0, -2.0]}}
    usage = {"prompt_tokens": len(body["prompt"]), "completion_tokens": 2}
    return {"id": "1", "object": "text_completion", "created": 0, "choices": [choice | more], "usage": usage}


@pytest.fixture
def engine(tiny, server):
    """A function from what differs to an engine that asks the server."""

    def make(**changed):
        plain = {"base_urls": [server.base_url], "concurrency": 4, "timeout_s": 5.0, "max_retries": 2}
        plain |= {"max_wait_s": 600.0, "fields": {}}
        return OpenAIEngine(model=tiny, **plain | changed)

    return make


def asked(count, **columns):
    plain = {"temperature": 0.7, "top_k": 5, "max_tokens": 9}
    return [Request(str(n), (1, 4 + n), seed=100 + n, **plain | columns) for n in range(count)]


def fails(server, fault, *, times, only=None):
    """The first `times` attempts at each prompt, or at the one that ends in `only`, meet `fault`."""
    seen = []

    def reply(body):
        with server.lock:
            seen.append(body["prompt"])
            failed = seen.count(body["prompt"]) <= times and only in (None, body["prompt"][-1])
        if failed:
            raise fault
        return spoken(body)

    server.reply = reply


def test_each_answer_is_one_request_of_its_own_ids_seed_and_setting(engine, server, tiny):
    found = {one.answer_id: one for one in engine(fields={"return_token_ids": True, "top_k": 0}).generate(asked(9))}
    assert set(found) == {str(n) for n in range(9)}
    sent = {body["prompt"][-1] - 4: body for body in server.asked}
    for number in range(9):
        expected = {"model": str(tiny), "prompt": [1, 4 + number], "seed": 100 + number, "top_k": 5, "max_tokens": 9}
        expected |= {"temperature": 0.7, "top_p": 1.0, "logprobs": 0, "return_token_ids": True}
        assert sent[number] == expected
        one = found[str(number)]
        assert (one.text, one.tokens, one.finish_reason, one.mean_logprob) == (f"w{number}", 2, "stop", -1.5)


def test_a_setting_without_top_k_leaves_it_to_the_fields(engine, server):
    list(engine(fields={"top_k": -1}).generate(asked(1, top_k=0)))
    list(engine().generate(asked(1, top_k=0)))
    assert server.asked[0]["top_k"] == -1
    assert "top_k" not in server.asked[1]


def test_a_server_that_tells_no_token_ids_has_its_own_text_taken(engine, server):
    server.reply = lambda body: spoken(body, token_ids=None, logprobs=None)
    (one,) = engine().generate(asked(1))
    assert (one.text, one.mean_logprob) == ("as the server has it", None)
    server.reply = lambda body: spoken(body, prompt_token_ids=None)
    with pytest.raises(ResetError, match="does not report the token ids of the prompt"):
        engine().seen(asked(1))


def test_what_the_server_read_is_told_in_the_order_of_the_requests(engine):
    assert engine().seen(asked(5)) == [[1, 4 + n] for n in range(5)]


def test_a_prompt_that_the_server_reads_otherwise_stops_the_run(engine, server):
    server.reply = lambda body: spoken(body) | {"usage": {"prompt_tokens": 3, "completion_tokens": 2}}
    with pytest.raises(ResetError, match="the server read a prompt of 2 tokens as 3 tokens; its answers would belong"):
        list(engine().generate(asked(20)))
    assert len(server.asked) <= 4


@pytest.mark.parametrize(
    "fault",
    [
        Fault(429, headers={"Retry-After": "0.01"}),
        Fault(500),
        Fault(drop=True),
        Fault(body=b'{"choices": [{"te'),
        Fault(body=b'{"choices": [], "usage": {"prompt_tokens": 2, "completion_tokens": 2}}'),
        Fault(delay_s=1.0),
    ],
    ids=["429", "500", "dropped", "cut", "empty", "slow"],
)
def test_a_passing_fault_costs_one_more_attempt_and_no_answer(engine, server, fault):
    fails(server, fault, times=1)
    found = sorted(engine(timeout_s=0.5).generate(asked(3)), key=lambda one: one.answer_id)
    assert [(one.text, one.finish_reason) for one in found] == [(f"w{n}", "stop") for n in range(3)]
    assert len(server.asked) == 6


@pytest.mark.parametrize(("fault", "attempts"), [(Fault(400), 1), (Fault(500), 3)], ids=["refused", "never works"])
def test_a_request_that_fails_is_a_row_with_its_reason_and_stops_no_other(engine, server, fault, attempts):
    fails(server, fault, times=99, only=6)
    found = {one.answer_id: one for one in engine().generate(asked(6))}
    assert found["2"].finish_reason == f"error: the server refused (status {fault.status})"
    assert (found["2"].text, found["2"].tokens, found["2"].mean_logprob) == ("", 0, None)
    assert [found[str(n)].finish_reason for n in (0, 1, 3, 4, 5)] == ["stop"] * 5
    assert [body["prompt"][-1] for body in server.asked].count(6) == attempts


def test_an_ending_that_is_none_of_ours_is_an_error(engine, server):
    server.reply = lambda body: spoken(body, finish_reason="content_filter")
    (one,) = engine().generate(asked(1))
    assert (one.text, one.finish_reason) == ("", "error: the server ended with content_filter")


def test_an_answer_that_the_server_cuts_before_its_limit_is_an_error(engine, server):
    server.reply = lambda body: spoken(body, finish_reason="length")
    (one,) = engine().generate(asked(1, max_tokens=9))
    assert (one.text, one.finish_reason) == ("", "error: prompt and answer exceed the server's length")
    (one,) = engine().generate(asked(1, max_tokens=2))
    assert (one.text, one.finish_reason) == ("w0", "length")


def test_a_model_that_the_server_does_not_have_stops_the_run_without_the_key(engine, server, tiny):
    fails(server, Fault(404, body=b'{"error": {"message": "no such model, secret-key"}}'), times=99)
    with pytest.raises(ResetError) as raised:
        list(engine().generate(asked(50)))
    assert f"{server.base_url}: cannot use model '{tiny}' (Error code: 404" in raised.value.message
    assert "secret-key" not in raised.value.message
    assert len(server.asked) <= 4


def test_a_server_that_is_not_there_is_one_line(engine):
    with pytest.raises(ResetError, match=r"^http://127\.0\.0\.1:1/v1: nothing listens there"):
        list(engine(base_urls=["http://127.0.0.1:1/v1"]).generate(asked(3)))


def test_no_more_than_allowed_are_in_flight_at_each_server_and_answers_come_as_they_are_ready(engine, server):
    busy, most, answered, lock = [], [], [], threading.Lock()

    def reply(body):
        with lock:
            busy.append(1)
            most.append(len(busy))
            answered.append(body["prompt"][-1])
        if body["prompt"][-1] > 4:
            time.sleep(0.02)
        else:
            until(lambda: len(answered) > 10)
        with lock:
            busy.pop()
        return spoken(body)

    server.reply = reply
    order = [one.answer_id for one in engine(concurrency=3).generate(asked(20))]
    assert max(most) == 3
    assert sorted(order) == sorted(str(n) for n in range(20))
    assert order.index("0") > 5


def test_many_servers_share_the_prompts_and_one_that_is_down_costs_no_answer(engine, server):
    with Server(spoken) as other:
        repeated = [Request(f"{n}|{i}", (1, 4 + n), 1.0, 0, i, 9) for n in range(30) for i in range(3)]
        assert len(list(engine(base_urls=[server.base_url, other.base_url]).generate(repeated))) == 90
        prompts = [{tuple(body["prompt"]) for body in one.asked} for one in (server, other)]
        assert all(prompts) and not prompts[0] & prompts[1] and len(server.asked) + len(other.asked) == 90
        other.shutdown()
    found = list(engine(base_urls=[server.base_url, "http://127.0.0.1:1/v1"]).generate(repeated))
    assert {one.finish_reason for one in found} == {"stop"} and len(found) == 90


def test_no_requests_give_no_completions(engine, server):
    assert list(engine().generate([])) == [] and server.asked == []


def test_a_run_that_is_left_early_sends_no_more(engine, server):
    running = engine(concurrency=1).generate(asked(50))
    next(running)
    running.close()
    assert len(server.asked) < 10


def test_the_row_of_every_scale_builds_it(composed, tiny):
    for scale in ("micro", "paper", "own"):
        row = load(composed(scale)).sample.engines["openai"]
        assert isinstance(build(ENGINES, "openai", "sample.engines.openai", model=tiny, **row), OpenAIEngine)


def test_limits_that_cannot_be_are_told(engine):
    with pytest.raises(ResetError, match=r"needs an address in base_urls.*\(they are \[\], 4, 5, 600, 2\)"):
        engine(base_urls=[])


def test_ids_become_text_with_the_model_s_own_tokenizer(engine, tiny):
    (one,) = engine().generate(asked(1))
    assert one.text == load_tokenizer(tiny).decode([4])
