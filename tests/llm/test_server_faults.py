"""Server faults are told apart by what they mean: what stops a run, what is one verdict's, what is tried again."""

import gzip
import json
import time
import tracemalloc
from functools import cache

import pytest

from reset.errors import ResetError
from reset.llm import Failure, Question, Reply, asking, client, settings, size
from tests.llm.conftest import DECODING, questions
from tests.support import chat_server
from tests.support.chat_server import Fault, Raw, completion

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(asking, "_FIRST_WAIT_S", 0.001)


def ask(asked, server, ledger):
    return client.ask(asked, server, ledger, judge="rater", pool="mtl")


def prompt(body):
    return body["messages"][0]["content"]


def refuses(server, fault, which):
    """The server refuses the prompts of which `which` is true."""

    def reply(body):
        if which(prompt(body)):
            raise fault
        return "[[5]]"

    server.reply = reply


def error(message, code=None):
    return json.dumps({"error": {"message": message, "code": code}}).encode()


def stopped(asked, server, ledger):
    """The message of the `ResetError` that a run ends in; it is one line."""
    with pytest.raises(ResetError) as raised:
        ask(asked, server, ledger)
    assert "\n" not in raised.value.message
    assert "secret-key" not in raised.value.message
    return raised.value.message


def kept(asked, server, ledger):
    return sum(isinstance(ledger.get(one, server.base_url), Reply) for one in asked)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(402, body=error("Insufficient Balance")),
        Fault(400, body=error("Your credit balance is too low")),
        Fault(body=b'{"error": {"message": "Insufficient Balance", "code": 402}}'),
        Fault(429, body=error("You exceeded your current quota", "insufficient_quota")),
    ],
    ids=["402", "400", "200", "429"],
)
def test_an_empty_account_stops_the_run_and_what_was_paid_is_kept(server, ledger, options, fault):
    asked = questions(100)
    refuses(server, fault, lambda text: len(server.asked) > 85)
    said = stopped(asked, options(), ledger)
    assert "cannot use model 'strong' (Error code: " in said
    assert kept(asked, server, ledger) == 85
    refuses(server, fault, lambda text: False)
    assert len(ask(asked, options(), ledger)) == 100


@pytest.mark.parametrize("status", [400, 403])
def test_a_flagged_prompt_is_a_failure_with_the_servers_words_wherever_it_stands(server, ledger, options, status):
    for number in (0, 7, 19):
        asked = questions(20, start=100 * number)
        fault = Fault(status, body=error("Your input was flagged"))
        refuses(server, fault, lambda text, flagged=asked[number].prompt: text == flagged)
        found = ask(asked, options(), ledger)
        assert found[asked[number].key] == Failure(f"the server refused (status {status})", "Your input was flagged")
        assert kept(asked, server, ledger) == 19


def test_a_refusal_that_gives_no_reason_is_a_failure_too_once_others_were_answered(server, ledger, options):
    asked = questions(20)
    refuses(server, Fault(403), lambda text: "reply 7." in text)
    assert isinstance(ask(asked, options(), ledger)[asked[7].key], Failure)


def test_many_equal_refusals_in_a_row_stop_the_run(server, ledger, options):
    asked = questions(300)
    fault = Fault(403, body=error("Your input 123 was flagged"))
    refuses(server, fault, lambda text: len(server.asked) > 20)
    assert "was flagged); so for 10 prompts in a row" in stopped(asked, options(), ledger)
    assert kept(asked, server, ledger) == 20
    assert len(server.asked) < 40


def test_many_answers_to_one_flagged_prompt_are_no_row(server, ledger, options):
    asked = [Question("rater", "strong", f"Flagged. Rate {n}.", DECODING, "the flagged prompt") for n in range(30)]
    refuses(server, Fault(403, body=error("Your input was flagged")), lambda text: "Flagged" in text)
    found = ask([*asked, *questions(20)], options(), ledger)
    assert [isinstance(reply, Failure) for reply in found.values()] == [True] * 30 + [False] * 20


@pytest.mark.parametrize(
    "words",
    [
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "temperature must be 1",
    ],
)
def test_a_form_that_is_refused_is_found_by_one_request(server, ledger, options, words):
    refuses(server, Fault(400, body=error(words)), lambda text: True)
    said = stopped(questions(300), options(), ledger)
    assert words in said
    assert "judges.rater.options.server.fields in params.yaml changes the fields of a request" in said
    assert len(server.asked) == 1


def test_each_form_is_tried_once_and_one_that_was_answered_before_never(server, ledger, options):
    other = [Question("rater", "weak", one.prompt, DECODING) for one in questions(5)]
    ask([*questions(5), *other], options(), ledger)
    assert [body["model"] for body in server.asked[:2]] == ["strong", "weak"]
    server.asked.clear()
    refuses(server, Fault(400, body=error("unsupported parameter")), lambda text: True)
    found = ask(questions(3, start=50), options(), ledger)  # the form is known, so it is the prompts
    assert [isinstance(reply, Failure) for reply in found.values()] == [True] * 3


@pytest.mark.parametrize("status", [400, 403, 451])
def test_a_server_that_refuses_all_without_a_reason_is_left_after_three_prompts(server, ledger, options, status):
    refuses(server, Fault(status), lambda text: True)
    assert "so for 3 prompts in a row" in stopped(questions(50), options(), ledger)
    assert len(server.asked) == 3


def test_a_prompt_that_never_works_and_comes_first_stops_no_other(server, ledger, options):
    asked = questions(20)
    refuses(server, Fault(500), lambda text: "reply 0." in text)
    found = ask(asked, options(), ledger)
    assert [isinstance(reply, Failure) for reply in found.values()] == [True] + [False] * 19


def test_a_server_that_is_down_from_the_start_is_left_after_three_prompts(server, ledger, options):
    refuses(server, Fault(503, body=b"<html><title>Service Unavailable</title></html>"), lambda text: True)
    said = stopped(questions(50), options(max_retries=1), ledger)
    assert said.endswith("cannot use model 'strong' (Error code: 503 - Service Unavailable)")
    assert len(server.asked) == 6


def test_where_nothing_listens_the_message_says_so(ledger, options):
    said = stopped(questions(3), options(base_url="http://127.0.0.1:1/v1"), ledger)
    assert said.startswith("http://127.0.0.1:1/v1: nothing listens there (")
    said = stopped(questions(3), options(base_url="http://no-such-machine.invalid/v1"), ledger)
    assert said.startswith("http://no-such-machine.invalid/v1: no machine of that name is known (")


def test_a_redirect_is_not_followed_and_names_the_address(server, ledger, options):
    headers = {"Location": "http://127.0.0.1:1/v2"}
    refuses(server, Fault(307, headers=headers), lambda text: True)
    assert "it sends requests on to http://127.0.0.1:1/v2: name that as base_url" in stopped(
        questions(3), options(), ledger
    )
    assert len(server.asked) == 1


def test_a_page_instead_of_a_completion_is_told_by_its_title(server, ledger, options):
    page = Fault(body=b"<html><title>Log in</title></html>", headers={"Content-Type": "text/html"})
    refuses(server, page, lambda text: True)
    said = stopped(questions(9), options(max_retries=0), ledger)
    assert said.endswith("cannot use model 'strong' (the reply was no completion: Log in)")


@pytest.mark.parametrize("encoding", ["iso-8859-1", "utf-16", "utf-8-sig"])
def test_a_reply_in_another_character_set_is_read_as_its_header_says(server, ledger, options, encoding):
    body = '{"choices": [{"message": {"content": "sch\u00f6n [[7]]"}, "finish_reason": "stop"}]}'.encode(encoding)
    headers = {"Content-Type": f"application/json; charset={encoding}"}
    refuses(server, Fault(body=body, headers=headers), lambda text: True)
    (reply,) = ask(questions(1), options(), ledger).values()
    assert reply.text == "sch\u00f6n [[7]]"


def test_a_reply_with_half_a_surrogate_or_a_line_separator_is_stored(server, ledger, options):
    server.reply = lambda body: "half \ud800 and \u2028 [[7]]"
    (asked,) = questions(1)
    assert ask([asked], options(), ledger)[asked.key].text == "half ? and \u2028 [[7]]"
    assert kept([asked], server, ledger) == 1


def raw(server, send):
    """The server writes to the socket what `send` does, below HTTP."""

    def reply(body):
        raise Raw(send)

    server.reply = reply


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
WHOLE = json.dumps(completion("strong", "[[7]]")).encode()


def drips(write):
    write(HEAD + b"Content-Length: 1000\r\n\r\n")
    for _ in range(200):
        write(b" ")
        time.sleep(0.02)


def endless(write):
    write(HEAD + b"Connection: close\r\n\r\n")
    for _ in range(4_000):
        write(b" " * 2**20)


@cache
def packed_bomb():
    return gzip.compress(b" " * 2**27, 1)


def bomb(write):
    packed = packed_bomb()
    write(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(packed), packed))


@pytest.mark.parametrize(
    ("send", "reason"),
    [
        (lambda write: time.sleep(1.0), "no reply within 0.5 s"),
        (drips, "no reply within 0.5 s"),
        (lambda write: write(HEAD + b"Content-Length: 9999999\r\n\r\n" + WHOLE), ""),
        (lambda write: write(HEAD + b"Content-Length: 40\r\n\r\n" + WHOLE), ""),
        (lambda write: write(HEAD + b"Content-Length: -7\r\n\r\n" + WHOLE), "the connection broke"),
        (lambda write: write(HEAD + b"Content-Length: 300\r\n\r\n" + WHOLE[:70]), "the connection broke"),
        (lambda write: write(b"SSH-2.0-OpenSSH_9.6\r\n"), "the connection broke"),
        (endless, "the reply was no completion"),
        (bomb, "the reply was no completion"),
    ],
    ids=["hangs", "drips", "too long", "too short", "negative", "closes", "other protocol", "endless", "bomb"],
)
def test_a_server_that_does_not_keep_to_http_costs_bounded_time_and_memory(
    server, ledger, options, send, reason, monkeypatch
):
    monkeypatch.setattr(size, "LARGEST", 2**22)
    packed_bomb()  # before the clock runs
    raw(server, send)
    patience = 5.0 if send in (endless, bomb) else 0.5  # megabytes take their time on a busy machine
    tracemalloc.start()
    began = time.monotonic()
    found = ask(questions(2), options(timeout_s=patience, max_retries=1), ledger)
    seconds, (_, peak) = time.monotonic() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) == 2 and all(isinstance(reply, Failure) for reply in found.values())
    assert all(reason in reply.reason for reply in found.values()), found
    assert seconds < 6 and peak < (2**28 if send is bomb else 10 * 2**22)
    if send in (endless, bomb):
        assert all("the server sends more than 4,194,304 bytes" in reply.error for reply in found.values()), found
    server.reply = lambda body: "[[7]]"
    assert len(ask(questions(2), options(), ledger)) == kept(questions(2), server, ledger) == 2


def test_a_wait_of_an_hour_stops_the_run_and_a_parameter_says_how_long_is_waited(server, ledger, options):
    refuses(server, Fault(429, headers={"Retry-After": "3600"}), lambda text: True)
    said = stopped(questions(3), options(), ledger)
    assert "it asks to wait 3,600 s, longer than max_wait_s (600)" in said and len(server.asked) == 1
    refuses(server, Fault(503, headers={"Retry-After": "1"}), lambda text: True)
    assert "it asks to wait 1 s, longer than max_wait_s (0.5)" in stopped(questions(3), options(max_wait_s=0.5), ledger)


def test_a_line_break_behind_the_key_is_not_part_of_it(server, ledger, options, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret-key\n")
    assert len(ask(questions(2), options(), ledger)) == 2


def test_a_key_that_no_header_can_hold_is_one_line(server, ledger, options, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret-key\u00fc")
    assert "beyond ASCII" in stopped(questions(2), options(), ledger)


def test_another_server_is_asked_anew(server, ledger, options):
    asked = questions(3)
    ask(asked, options(), ledger)
    with chat_server.Server(lambda body: "[[1]]") as other:
        found = ask(asked, options(base_url=f"{other.base_url}/"), ledger)
        assert [reply.text for reply in found.values()] == ["[[1]]"] * 3
        other.shutdown()
    assert [reply.text for reply in ask(asked, options(), ledger).values()] == ["Rating: [[7]]"] * 3
    assert len(server.asked) == 3


def test_the_fields_of_a_request_are_parameters(options):
    changed = options(fields={"max_tokens": None, "max_completion_tokens": 900, "temperature": None, "seed": 3})
    decoding = changed.decoding({"temperature": 0.0, "max_tokens": 512}, judge="rater")
    assert decoding == '{"max_completion_tokens": 900, "seed": 3}'
    assert Question("rater", "strong", "?", decoding).max_tokens == 900
    with pytest.raises(
        ResetError, match=r"judges\.rater\.options\.server\.fields is .*must leave max_tokens or max_compl"
    ):
        options(fields={"max_tokens": None}).decoding({"max_tokens": 512}, judge="rater")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"fields": {"n": 2}}, "'n' is not a parameter"),
        ({"base_url": "127.0.0.1:8000"}, "'127.0.0.1:8000' is no address such as http://"),
        ({"base_url": "http://me:hidden@host/v1"}, "an address holds no name or password"),
    ],
)
def test_settings_that_cannot_be_are_told(server, changed, said):
    with pytest.raises(ResetError, match=said) as raised:
        settings(chat_server.settings(server) | changed, judge="rater", models=[])
    assert "hidden" not in raised.value.message


def test_a_reply_that_was_cut_off_is_stored_with_its_reason(server, ledger, options):
    server.reply = lambda body: completion("strong", "Rating: [[7]]", finish_reason="length")
    (reply,) = ask(questions(1), options(), ledger).values()
    assert reply.finish_reason == "length"
