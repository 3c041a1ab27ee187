"""What a server's fault means: by its status, its code and its words, in the forms in which servers put them."""

import json

import pytest

from reset.errors import ResetError
from reset.llm.faults import Meaning, refusal
from reset.llm.key import api_key, one_line
from reset.llm.wire import Broken, ErrorBody, problem, read, retry_after

ACCOUNT, FORM, PROMPT, REFUSED, PASSING = Meaning


def openai_error(message, code=None, param=None):
    return json.dumps({"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}})


@pytest.mark.parametrize(
    ("status", "body", "headers", "meaning"),
    [
        (401, openai_error("Incorrect API key provided", "invalid_api_key"), {}, ACCOUNT),
        (402, '{"error": {"message": "Insufficient Balance", "code": "invalid_request_error"}}', {}, ACCOUNT),
        (404, openai_error("The model `x` does not exist", "model_not_found"), {}, ACCOUNT),
        (400, '[{"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}}]', {}, ACCOUNT),
        (400, '{"type": "error", "error": {"message": "Your credit balance is too low"}}', {}, ACCOUNT),
        (403, '{"error": {"message": "Your account has been deactivated"}}', {}, ACCOUNT),
        (429, openai_error("You exceeded your current quota", "insufficient_quota"), {}, ACCOUNT),
        (429, '{"error": "monthly quota is used up"}', {}, ACCOUNT),
        (429, '{"error": "quota of this minute"}', {"retry-after": "7"}, PASSING),
        (429, openai_error("Rate limit reached for requests", "rate_limit_exceeded"), {}, PASSING),
        (429, openai_error("Slow down"), {"retry-after": "90000"}, ACCOUNT),
        (400, '{"error": {"message": "Model Not Exist"}}', {}, ACCOUNT),
        (400, '{"error": {"message": "x-9 is not a valid model ID", "code": 400}}', {}, ACCOUNT),
        (403, openai_error("Project has no access to it", "model_not_found"), {}, ACCOUNT),
        (403, openai_error("Region not supported", "unsupported_country_region_territory"), {}, ACCOUNT),
        (400, '{"code": "Arrearage", "message": "Access denied"}', {}, ACCOUNT),
        (400, '{"error": {"message": "User location is not supported for the API use."}}', {}, ACCOUNT),
        (400, openai_error("The model `x` has been decommissioned and is no longer supported"), {}, ACCOUNT),
        (400, '{"error": {"message": "Budget has been exceeded! Current cost: 10.2"}}', {}, ACCOUNT),
        (403, '{"error": {"message": "Key limit exceeded (total limit)", "code": 403}}', {}, ACCOUNT),
        (400, openai_error("Your organization must be verified to use the model `x`"), {}, ACCOUNT),
        (403, '{"error": {"message": "Your request was blocked by our IP allowlist"}}', {}, ACCOUNT),
        (400, '{"error": {"message": "Input token limit exceeded: too many tokens"}}', {}, PROMPT),
        (405, "Method Not Allowed", {}, ACCOUNT),
        (410, '{"detail": "this model is gone"}', {}, ACCOUNT),
        (429, '{"error": {"code": 429, "message": "Resource has been exhausted (check quota)."}}', {}, PASSING),
        (498, '{"error": {"message": "Flex tier capacity exceeded"}}', {}, PASSING),
        (400, '{"message": "The prompt (length 50) is longer than the maximum model length of 40."}', {}, PROMPT),
        (400, '{"message": "Input length 50 exceeds the maximum allowed token length 40"}', {}, PROMPT),
        (400, openai_error("max_tokens is too large: 512. At most 64 completion tokens", None, "max_tokens"), {}, FORM),
        (400, '{"error": {"message": "logprobs are not allowed"}}', {}, FORM),
        (400, '{"error": {"message": "This model only supports the Responses API"}}', {}, FORM),
        (307, "", {"location": "https://other.example/v1"}, ACCOUNT),
        (400, openai_error("Unsupported parameter: 'max_tokens'", "unsupported_parameter", "max_tokens"), {}, FORM),
        (400, '{"error": {"message": "temperature must be 1"}}', {}, FORM),
        (422, '{"detail": [{"loc": ["body", "top_z"], "msg": "Extra inputs are not permitted"}]}', {}, FORM),
        (400, openai_error("rejected", "content_policy_violation"), {}, PROMPT),
        (403, '{"error": {"message": "Your input was flagged", "metadata": {"reasons": ["x"]}}}', {}, PROMPT),
        (400, openai_error("This model's maximum context length is 10 tokens", param="messages"), {}, PROMPT),
        (400, openai_error("'max_tokens' is too large: 512. The maximum context length is 9"), {}, PROMPT),
        (413, "<html><body>too much</body></html>", {}, PROMPT),
        (400, "", {}, REFUSED),
        (403, '{"message": "Forbidden"}', {}, REFUSED),
        (408, "", {}, PASSING),
        (500, '{"error": {"message": "billing service down"}}', {}, PASSING),
        (503, "<html><title>503 Service Unavailable</title></html>", {}, PASSING),
    ],
)
def test_a_refusal_means_what_its_status_and_words_say(status, body, headers, meaning):
    assert refusal(status, problem(body), headers, 600.0).meaning is meaning


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"error": {"message": "no\\nway"}}', "no way"),
        ('{"error": "no way"}', "no way"),
        ('{"message": "no way", "code": 7}', "no way"),
        ('{"detail": "no way"}', "no way"),
        ('{"error": {"message": "no", "metadata": {"raw": "way"}}}', "no - way"),
        ('[{"error": {"message": "no way"}}]', "no way"),
        ("<html><head><title>no way</title><style>p {}</style></head><body>x</body></html>", "no way"),
        ("<html><style>p {}</style><body><p>no</p> <b>way</b> &amp; more</body></html>", "no way & more"),
        ("no way", "no way"),
        ('"no way"', "no way"),
        ("", ""),
        ("null", "None"),
        ("[]", "[]"),
        ("[" * 100_000, f"{'[' * 300}..."),
    ],
)
def test_a_servers_words_are_one_line_wherever_they_stand(body, words):
    assert problem(body).words == words


def test_no_line_holds_the_key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret\n")
    assert one_line("key sk-secret\r\nis \x1b[31mwrong") == "key *** is [31mwrong"
    assert api_key() == "sk-secret"


@pytest.mark.parametrize("key", ["sk-one\nsk-two", "sk-schl\u00fcssel"])
def test_a_key_that_no_header_can_hold_is_told_without_the_key(monkeypatch, key):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(
        ResetError, match="OPENAI_API_KEY: the key has a line break or a character beyond ASCII"
    ) as error:
        api_key()
    assert "sk-" not in error.value.message


def completed(**choice):
    return json.dumps({"choices": [{"message": {"content": "[[7]]"}, "finish_reason": "stop"} | choice]}).encode()


def test_what_cannot_be_stored_is_replaced_and_a_count_that_is_none_is_unknown():
    body = json.loads(completed(message={"content": "half a pair \ud800 and\u2028a break"}))
    usage = {"prompt_tokens": "many", "completion_tokens": 10**30}
    reply = read(json.dumps({**body, "usage": usage, "system_fingerprint": 5}).encode(), seconds=1, attempts=1)
    assert reply.text == "half a pair ? and\u2028a break"
    assert (reply.prompt_tokens, reply.completion_tokens, reply.fingerprint) == (None, None, "5")


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": [{"type": "thinking", "thinking": "x"}, {"type": "text", "text": "[[7]]"}]}, "[[7]]"),
        ({"content": None, "refusal": "I will not."}, "I will not."),
        ({"content": None, "reasoning_content": "[[9]]"}, ""),
    ],
)
def test_the_text_of_a_message_is_what_is_meant_for_the_reader(message, text):
    assert read(completed(message=message), seconds=1, attempts=1).text == text


@pytest.mark.parametrize(
    ("body", "meaning"),
    [
        (b'{"error": {"message": "Insufficient credits", "code": 402}}', ACCOUNT),
        (b'{"error": {"message": "upstream busy", "code": 502}}', PASSING),
        (b'{"object": "error", "message": "unsupported parameter: temperature", "code": 400}', FORM),
        (b'{"choices": [{"error": {"message": "flagged", "code": 403}, "message": {"content": ""}}]}', PROMPT),
        (b'{"error": "something"}', PASSING),
    ],
)
def test_an_error_under_status_200_means_what_it_says(body, meaning):
    with pytest.raises(ErrorBody) as error:
        read(body, seconds=1, attempts=1)
    assert refusal(error.value.problem.status or 200, error.value.problem, {}, 600.0).meaning is meaning


def test_a_body_that_is_no_completion_is_told_in_one_line():
    with pytest.raises(Broken, match=r"^Log in$"):
        read(b"<html><title>Log\nin</title></html>", seconds=1, attempts=1)
    with pytest.raises(Broken):
        read(b'{"a":' * 100_000, seconds=1, attempts=1)


@pytest.mark.parametrize("header", ["nan", "-5", "soon", "1e400", "Thu, 32 Foo 2024"])
def test_a_wait_that_is_none_is_left_to_us(header):
    assert retry_after({"retry-after": header}) is None


def test_a_wait_in_milliseconds_that_is_none_is_left_to_us():
    assert retry_after({"retry-after-ms": "inf"}) is None
