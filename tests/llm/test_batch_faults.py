"""Faults of the Batch API, over HTTP: passing ones are tried again, the rest is one line; no traceback, no key."""

import json
import logging

import pytest

from reset.errors import ResetError
from reset.llm import Failure, Reply, asking, client, settings
from tests.llm.conftest import questions
from tests.support import chat_server
from tests.support.batch_server import BatchServer, answered

pytestmark = pytest.mark.slow

BUSY = (503, "<html><title>Service Unavailable</title></html>")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(asking, "_FIRST_WAIT_S", 0.001)


@pytest.fixture
def server():
    with BatchServer() as running:
        yield running
        running.shutdown()


@pytest.fixture
def ask(server, ledger):
    def run(count=4, **changed):
        plain = chat_server.settings(server, max_retries=2, batch_poll_s=0.001)
        asked = questions(count)
        found = client.ask(
            asked, settings(plain | changed, judge="rater", models=[]), ledger, judge="rater", pool="mtl"
        )
        return [found[one.key] for one in asked]

    return run


def stopped(ask, **changed):
    with pytest.raises(ResetError) as raised:
        ask(**changed)
    assert "\n" not in raised.value.message
    assert "secret-key" not in raised.value.message
    return raised.value.message


def test_the_form_is_tried_on_one_question_and_the_others_are_a_batch(ask, server):
    assert [reply.batch for reply in ask()] == [False, True, True, True]
    assert server.calls.count("chat") == 1


def test_a_form_that_is_refused_costs_no_batch(ask, server):
    server.faults["chat"] = [(400, {"error": {"message": "unsupported parameter: temperature"}})]
    assert "unsupported parameter: temperature" in stopped(ask)
    assert server.calls == ["chat"]


@pytest.mark.parametrize("kind", ["upload", "create", "poll", "content"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_passing_fault_of_any_call_is_tried_again(ask, server, kind, times):
    server.faults[kind] = [BUSY, (429, {"error": {"message": "slow down"}})][:times]
    assert all(isinstance(reply, Reply) for reply in ask())
    assert len(server.made) == 1


@pytest.mark.parametrize("kind", ["upload", "create", "poll", "content"])
@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "bad key secret-key"), (404, "Cannot find file"), (400, "no"), (503, "busy"), (200, "<html>Log in</html>")],
)
def test_a_fault_that_stays_is_one_line_and_the_batch_is_found_again(ask, server, ledger, kind, status, words):
    body = words if words.startswith("<") else {"error": {"message": words}}
    server.faults[kind] = [(status, body)] * 3
    said = stopped(ask)
    assert said.startswith(f"{server.base_url}: Batch API: cannot ")
    assert words.replace("secret-key", "***").replace("<html>", "").replace("</html>", "") in said
    server.faults.clear()
    assert all(isinstance(reply, Reply) for reply in ask())
    assert len(server.made) == 1


def test_a_batch_that_is_gone_can_be_forgotten(ask, server, ledger):
    server.faults["poll"] = [(404, {"error": {"message": "No batch found"}})]
    said = stopped(ask)
    assert "if it is gone, `reset-lm ledger --forget-batch batch-0`" in said
    assert ledger.forget_batch("batch-0")
    assert not ledger.forget_batch("batch-0")
    assert all(isinstance(reply, Reply) for reply in ask())
    assert len(server.made) == 2


def test_a_line_that_nobody_asked_for_is_left_out_with_a_warning(ask, server, caplog):
    strange = json.dumps(answered({"custom_id": "another"})) + "\n\nno json\n[1]\n"
    server.line = lambda line: json.dumps(answered(line)) + "\n" + strange
    with caplog.at_level(logging.WARNING):
        assert all(isinstance(reply, Reply) for reply in ask())
    assert "answers 3 questions that it was not asked" in caplog.text
    assert "6 lines of file batch-0-out are no JSON objects" in caplog.text


def test_a_line_separator_in_a_reply_ends_no_line(ask, server):
    server.line = lambda line: answered(line, "a\u2028b \x85 [[6]]")
    assert {reply.text for reply in ask()[1:]} == {"a\u2028b \x85 [[6]]"}


def test_a_refused_line_is_a_failure_that_is_not_submitted_again(ask, server):
    def line(one):
        flagged = "reply 2." in one["body"]["messages"][0]["content"]
        return answered(one, "flagged by moderation", 400) if flagged else answered(one)

    server.line = line
    assert ask()[2] == Failure("the batch failed it (status 400)", "flagged by moderation")
    assert len(server.made) == 1


@pytest.mark.parametrize(("status", "code"), [(402, None), (429, "insufficient_quota")])
def test_an_empty_account_within_a_batch_stops_the_run_and_keeps_the_other_lines(ask, server, ledger, status, code):
    def line(one):
        empty = "reply 3." in one["body"]["messages"][0]["content"]
        return answered(one, "Insufficient Balance", status, code=code) if empty else answered(one)

    server.line = line
    assert "Insufficient Balance" in stopped(ask)
    assert sum(ledger.get(one, server.base_url) is not None for one in questions(4)) == 3


def test_a_batch_of_which_every_line_is_refused_stops_the_run(ask, server):
    server.line = lambda line: answered(line, "no", 400)
    assert "cannot use model 'strong' (Error code: 400 - no)" in stopped(ask)


def test_lines_without_a_reply_are_submitted_again_and_stay_failures(ask, server):
    server.line = lambda line: {
        "custom_id": line["custom_id"],
        "response": None,
        "error": {"code": "batch_expired", "message": "not within the window"},
    }
    assert ask()[1:] == [Failure("the batch gave no reply", "not within the window")] * 3
    assert len(server.made) == 3
