"""Asking: each distinct question once, retries bounded and as the server says, limits kept, stops that keep replies."""

import threading
import time
from email.utils import formatdate

import pytest

from reset.errors import ResetError
from reset.llm import Failure, Reply, asking, client, settings
from reset.llm.wire import Broken, read, retry_after
from tests.llm.conftest import questions
from tests.support import chat_server
from tests.support.chat_server import Fault

pytestmark = pytest.mark.slow


def ask(asked, server, ledger, pool="mtl"):
    return client.ask(asked, server, ledger, judge="rater", pool=pool)


def numbered(body):
    return body["messages"][0]["content"]


def first_fails(server, fault):
    """The first attempt at each question meets `fault`."""
    seen = set()

    def reply(body):
        with server.lock:
            new = numbered(body) not in seen
            seen.add(numbered(body))
        if new:
            raise fault
        return "[[5]]"

    server.reply = reply


def test_each_question_gets_its_own_reply_with_all_that_the_server_says_of_it(server, ledger, options):
    server.reply = lambda body: f"of: {numbered(body)}"
    asked = questions(9)
    found = ask(asked, options(), ledger)
    assert {one.prompt: found[one.key].text for one in asked} == {one.prompt: f"of: {one.prompt}" for one in asked}
    reply = found[asked[0].key]
    assert (reply.served_model, reply.fingerprint, reply.finish_reason) == ("strong-0613", "fp_1", "stop")
    assert (reply.prompt_tokens, reply.completion_tokens, reply.attempts) == (100, 10, 1)
    assert server.asked[0].keys() == {"model", "messages", "temperature", "max_tokens"}


def test_equal_questions_in_flight_are_asked_once_and_known_ones_never(server, ledger, options):
    asked = questions(5) * 3
    first = ask(asked, options(), ledger)
    assert len(server.asked) == 5
    assert ask(asked, options(), ledger) == first
    assert len(server.asked) == 5


def test_two_processes_ask_the_same_question_once(server, ledger, options, tmp_path):
    """Each opens the ledger for itself, as two processes do; the lock is the file's."""
    from reset.llm.ledger import Ledger

    server.reply = lambda body: time.sleep(0.1) or "[[5]]"
    asked, found = questions(6), []

    def run():
        with Ledger(tmp_path / "replies.sqlite") as own:
            found.append(ask(asked, options(), own))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.asked) == 6
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(429, headers={"Retry-After": "0.01"}),
        Fault(500, headers={"Retry-After": "0.01"}),
        Fault(503, headers={"Retry-After-Ms": "10"}),
        Fault(408, headers={"Retry-After": "0.01"}),
        Fault(drop=True),
        Fault(body=b'{"choices": [{"mess'),
        Fault(body=b'{"choices": []}'),
        Fault(body=b'{"choices": [{"message": {"content": 5}}]}'),
        Fault(body=b"<html>busy</html>"),
    ],
    ids=["429", "500", "503", "408", "dropped", "cut", "empty", "number", "page"],
)
def test_a_passing_fault_costs_one_more_attempt(server, ledger, options, fault, monkeypatch):
    monkeypatch.setattr(asking, "_FIRST_WAIT_S", 0.01)
    first_fails(server, fault)
    found = ask(questions(3), options(), ledger)
    assert [reply.attempts for reply in found.values()] == [2, 2, 2]
    assert len(server.asked) == 6


def test_a_slow_reply_is_given_up_and_asked_again(server, ledger, options, monkeypatch):
    monkeypatch.setattr(asking, "_FIRST_WAIT_S", 0.01)
    first_fails(server, Fault(delay_s=1.0))
    (reply,) = ask(questions(1), options(timeout_s=0.3), ledger).values()
    assert (reply.attempts, len(server.asked)) == (2, 2)
    assert reply.seconds < 0.3


def test_the_server_is_left_alone_as_long_as_it_asks_for(server, ledger, options):
    first_fails(server, Fault(429, headers={"Retry-After": "0.6"}))
    ask(questions(1), options(), ledger)
    assert 0.6 <= server.at[1] - server.at[0] < 3


def test_waiting_for_one_question_holds_up_no_other(server, ledger, options):
    first_fails(server, Fault(429, headers={"Retry-After": "0.5"}))
    started = time.monotonic()
    found = ask(questions(8), options(concurrency=1), ledger)
    assert len(found) == 8
    assert time.monotonic() - started < 3.5  # eight waits of half a second overlap; one after the other takes 4


def test_a_question_that_never_works_fails_alone_after_bounded_attempts(server, ledger, options, monkeypatch):
    monkeypatch.setattr(asking, "_FIRST_WAIT_S", 0.01)

    def reply(body):
        if numbered(body) == "Rate reply 3.":
            raise Fault(500)
        return "[[5]]"

    server.reply = reply
    asked = questions(6)
    found = ask(asked, options(), ledger)
    assert [isinstance(found[one.key], Failure) for one in asked] == [number == 3 for number in range(6)]
    assert found[asked[3].key].reason == "the server refused (status 500)"
    assert [numbered(body) for body in server.asked].count("Rate reply 3.") == 3
    assert sum(isinstance(ledger.get(one, server.base_url), Reply) for one in asked) == 5


def test_a_refused_question_is_not_asked_again(server, ledger, options):
    def reply(body):
        raise Fault(400)

    server.reply = reply
    (failure,) = ask(questions(1), options(), ledger).values()
    assert failure.reason == "the server refused (status 400)"
    assert "as asked" in failure.error
    assert len(server.asked) == 1


@pytest.mark.parametrize("fault", [Fault(401), Fault(403), Fault(404), Fault(429, code="insufficient_quota")])
def test_a_server_that_cannot_be_used_stops_the_run_at_once(server, ledger, options, fault):
    def reply(body):
        raise fault

    server.reply = reply
    with pytest.raises(ResetError) as error:
        ask(questions(50), options(), ledger)
    assert f"/v1: cannot use model 'strong' (Error code: {fault.status}" in error.value.message
    assert "\n" not in error.value.message
    assert len(server.asked) <= 8


def test_a_server_that_goes_down_stops_the_run_and_a_later_one_asks_the_rest(server, ledger, options, monkeypatch):
    monkeypatch.setattr(asking, "_FIRST_WAIT_S", 0.001)

    def reply(body):
        if len(server.asked) > 10:
            raise Fault(503)
        return "[[5]]"

    server.reply = reply
    asked = questions(40)
    with pytest.raises(ResetError, match=r"cannot use model 'strong' \(Error code: 503"):
        ask(asked, options(), ledger)
    kept = sum(ledger.get(one, server.base_url) is not None for one in asked)
    assert kept == 10
    assert len(server.asked) < 100
    server.asked.clear()
    server.reply = lambda body: "[[5]]"
    assert len(ask(asked, options(), ledger)) == 40
    assert len(server.asked) == 30


def test_the_key_is_in_no_message(server, ledger, options):
    def reply(body):
        raise Fault(401, body=b'{"error": {"message": "bad key secret-key"}}')

    server.reply = reply
    with pytest.raises(ResetError) as error:
        ask(questions(1), options(), ledger)
    assert "bad key ***" in error.value.message
    assert "secret-key" not in error.value.message


def test_requests_per_minute_are_spread_evenly(server, ledger, options):
    ask(questions(12), options(requests_per_minute=600, concurrency=12), ledger)
    assert server.at[-1] - server.at[0] >= 11 * 0.1 - 0.5 - 0.2  # half a second may be caught up with, and load counts


def test_tokens_per_minute_count_the_prompt_and_the_longest_reply(server, ledger, options):
    # a prompt of 13 characters is taken for 3 tokens, and 20 may come back: 23 of 1,380 a minute are one a second
    ask(questions(3), options(tokens_per_minute=1380, concurrency=3), ledger)
    assert server.at[-1] - server.at[0] >= 2 - 0.5 - 0.2


def test_no_more_than_allowed_are_in_flight(server, ledger, options):
    busy, most, together = [], [], threading.Barrier(3)

    def reply(body):
        busy.append(1)
        most.append(len(busy))
        if 1 < len(server.asked) <= 4:  # the first goes alone: whether its form is taken is not known before
            together.wait(60)  # until three are in flight
        time.sleep(0.02)
        busy.pop()
        return "[[5]]"

    server.reply = reply
    ask(questions(20), options(concurrency=3, timeout_s=60.0), ledger)  # none is given up on a busy machine
    assert max(most) == 3


def test_the_run_stops_before_it_costs_more_than_allowed_and_keeps_what_it_has(server, ledger, options):
    # a reply costs 100 * $10 + 10 * $100 per million = $0.002; at most 20 tokens: a request holds $0.00203
    asked = questions(50)
    with pytest.raises(ResetError, match=r"max_cost_usd = 0\.01 leaves no room for another request to 'strong'"):
        ask(asked, options(max_cost_usd=0.01), ledger)
    kept = [one for one in asked if ledger.get(one, server.base_url)]
    assert 3 <= len(kept) <= 5
    assert ledger.spent("rater", "mtl") == pytest.approx(0.002 * len(kept))
    with pytest.raises(ResetError):
        ask(asked, options(max_cost_usd=0.01), ledger)
    assert ledger.spent("rater", "mtl") <= 0.01
    assert len(ask(asked, options(max_cost_usd=1.0), ledger)) == 50
    assert len(server.asked) == 50


def test_retry_after_is_read_as_seconds_milliseconds_or_a_date():
    assert retry_after({"retry-after": "7"}) == 7
    assert retry_after({"retry-after": "0.5"}) == 0.5
    assert retry_after({"retry-after-ms": "250", "retry-after": "9"}) == 0.25
    assert retry_after({"retry-after": formatdate(time.time() + 60, usegmt=True)}) == pytest.approx(60, abs=2)
    assert retry_after({"retry-after": formatdate(0, usegmt=True)}) == 0
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({}) is None


def test_a_reply_of_null_is_an_empty_text_and_other_bodies_are_broken():
    assert read(b'{"choices": [{"message": {"content": null}}]}', seconds=1, attempts=1).text == ""
    for body in (b"", b"[]", b"null", b'{"choices": 5}', b'{"choices": [{}]}', b'{"error": {}}'):
        with pytest.raises(Broken):
            read(body, seconds=1, attempts=1)


def test_settings_name_every_key_that_is_wrong(options):
    with pytest.raises(ResetError) as error:
        options(concurrency=0, pace=3)
    assert "judges.rater.options.server.concurrency: Input should be greater than or equal to 1" in error.value.message
    assert (
        "greater than or equal to 1 (it is 0); unknown key 'judges.rater.options.server.pace'." in error.value.message
    )


def test_settings_name_the_nearest_key_of_the_table_that_is_wrong(server):
    plain = chat_server.settings(server) | {"concurrncy": 4}
    with pytest.raises(ResetError) as error:
        settings(plain, judge="rater", models=["strong"], table="weak_server")
    place = (
        "params.yaml: unknown key 'judges.rater.options.weak_server.concurrncy'. Did you mean 'concurrency'? Known: "
    )
    assert error.value.message.startswith(place)
    del plain["concurrncy"], plain["timeout_s"]
    with pytest.raises(ResetError, match=r"^params\.yaml: key 'judges\.rater\.options\.server\.timeout_s' is missing$"):
        settings(plain, judge="rater", models=["strong"])


def test_settings_never_repeat_a_password_of_an_address(options):
    with pytest.raises(ResetError, match="an address holds no name or password") as error:
        options(base_url="http://me:hunter2@127.0.0.1/v1")
    assert "hunter2" not in error.value.message


def test_a_limit_on_the_cost_needs_a_price_for_each_model(options):
    with pytest.raises(ResetError, match=r"prices_usd lacks 'strange'"):
        settings(options(max_cost_usd=1.0).model_dump(), judge="rater", models=["strong", "strange"])
