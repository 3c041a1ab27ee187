"""Servers: whether they answer, offer the models, and take the fields of the requests that a judge sends.

A judge's server is sent one request of a made-up answer for each model and form, with a reply of a few tokens. If it
refuses the form, others are tried, so that the finding can say which fields it takes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import openai

from reset.checking.findings import Finding, Unreachable, error, skipped, warning
from reset.errors import ResetError, nearest
from reset.judges import Answer
from reset.judges.openai import OpenAIRater
from reset.llm import LIMITS, Question, Server
from reset.llm.asking import FAULTS
from reset.llm.faults import Fault, Meaning, fault
from reset.llm.key import VARIABLE, api_key
from reset.llm.size import bounded
from reset.llm.wire import read

MODELS = ("pairwise_model", "weak_model", "model")
LIST_S, REPLY_S, WAIT_S = 10.0, 30.0, 600.0  # time limits; a longer Retry-After is a refusal
REPLY_TOKENS = 16  # of a probe
ROOM = 4096  # tokens that are proposed for a reply that may hold a thought
CUT = "output limit was reached"  # a reasoning model's refusal of a limit that its thought exceeds: the field is known
NOT_REACHED = "start it, or correct base_url; --offline leaves servers out"


class Change(NamedTuple):
    """A change of a request's fields, and what to write in `server` for it."""

    fields: Mapping[str, Any]
    mend: Mapping[str, Any]


COMPLETION = Change(
    {"max_tokens": None, "max_completion_tokens": REPLY_TOKENS}, {"max_tokens": None, "max_completion_tokens": ROOM}
)
Asked = tuple[Question, Server]
PROBE = Answer("check", "A mill.", "instruction", "train", "Name a building.", "", ["A mill."], ["A barn."], None)
LOOPBACK = ("127.0.0.1", "localhost", "::1")
CHANGES = (COMPLETION, Change({"temperature": None}, {"temperature": None}))
STRUCTURES = ("response_format", "structured_outputs")
UNSTRUCTURED = Change(dict.fromkeys(STRUCTURES), {})


def judge(key: str, options: Mapping[str, Any], rater: OpenAIRater, *, offline: bool) -> "Found":
    """Yield what is wrong with the servers of a judge."""
    models = {str(options[at]): f"{key}.options.{at}" for at in MODELS if options.get(at)}
    secret = _key()
    if secret is None:
        own = all(urlsplit(url).hostname in LOOPBACK for url in _forms(rater))
        word = "any word will do for a server of your own" if own else "the key of your account"
        yield error(f"{key}.kind", f"the environment variable {VARIABLE} is not set", f"export {VARIABLE}=... ({word})")
    for url, forms in _forms(rater).items():
        at = f"{key}.options.{'server' if url == options['server']['base_url'] else 'weak_server'}"
        yield from _prices(at, url, forms)
        if offline:
            yield skipped(at, f"{url} not asked", "run without --offline")
            continue
        with _client(url, secret or "none") as client:
            listed, problem = _models(client, url, f"{at}.base_url")
            if problem:
                yield problem
            elif secret is None:
                yield skipped(at, f"{url} not tried", f"needs {VARIABLE}")
            else:
                yield from _tried(client, at, [question for question, _ in forms], models, listed)


def _prices(key: str, url: str, asked: Sequence[Asked]) -> Iterator[Finding]:
    """Yield a line if a model elsewhere has no price: its cost is neither counted nor limited."""
    unpriced = sorted({question.model for question, server in asked if question.model not in server.prices_usd})
    if unpriced and urlsplit(url).hostname not in LOOPBACK:
        what = f"{url}: no price of {' and '.join(unpriced)}, so that the cost is not counted"
        mend = (
            f"add {unpriced[0]}: [USD per million prompt tokens, per million reply tokens]; 0.0 where nothing is paid"
        )
        yield warning(f"{key}.prices_usd", what, mend)


def _forms(rater: OpenAIRater) -> dict[str, list[Asked]]:
    """Return one question of each form that the judge asks, by the address of the server that it goes to."""
    forms: dict[str, dict[Any, Asked]] = {}
    for split in ("train", "test"):
        for question, server in rater.asked(replace(PROBE, task=min(rater.tasks), split=split)):
            forms.setdefault(server.base_url, {})[question.form] = question, server
    return {url: list(by_form.values()) for url, by_form in forms.items()}


Found = Iterator[Finding | Unreachable]


def engine(base_urls: Sequence[str], models: Sequence[str]) -> Found:
    """Yield what is wrong with the servers of engine `openai`; `models` are the starting models that are to answer."""
    key = "sample.engines.openai.base_urls"
    for url in base_urls:
        with _client(url, _key() or "none") as client:
            listed, problem = _models(client, url, key)
        if problem:  # it may be started later, when there is a model to serve
            yield replace(problem, level="warning", mend="start it before the stage `sample`")
        for model in models if listed else ():
            if model not in listed:
                mend = f"start it with --served-model-name {model}; it offers {', '.join(listed[:5])}"
                yield warning(key, f"{url} does not offer '{model}'", mend)


def _key() -> str | None:
    try:
        return api_key()
    except ResetError:
        return None


def _client(base_url: str, key: str) -> openai.OpenAI:
    http = openai.DefaultHttpxClient(timeout=REPLY_S, follow_redirects=False, event_hooks=bounded(REPLY_S))
    return openai.OpenAI(api_key=key, base_url=base_url, max_retries=0, timeout=REPLY_S, http_client=http)


def _models(client: openai.OpenAI, base_url: str, key: str) -> tuple[list[str], Unreachable | None]:
    """Return the models that the server lists, none if it does not say, and whether it cannot be reached."""
    try:
        content: Any = json.loads(client.get("/models", cast_to=str, options={"timeout": LIST_S}))
        return [str(entry["id"]) for entry in content["data"]], None
    except FAULTS as failed:
        refused = fault(failed, LIST_S, WAIT_S)
        return [], None if refused.status else Unreachable(base_url, key, str(refused), NOT_REACHED)
    except (ValueError, KeyError, TypeError):
        return [], None


def _tried(
    client: openai.OpenAI, key: str, forms: Sequence[Question], models: Mapping[str, str], listed: Sequence[str]
) -> Found:
    """Send one request of each form; `key` is that of the server, `models` map a model to its key."""
    for question in forms:
        at = models[question.model]
        refused = _ask(client, question)
        if refused is None:
            if listed and question.model not in listed:
                yield warning(at, f"{client.base_url} answers for '{question.model}' but does not list it")
        elif refused.meaning in (Meaning.FORM, Meaning.REFUSED):
            yield _form(client, key, at, question, refused)
        elif refused.meaning is Meaning.ACCOUNT:
            hint = nearest(question.model, listed) if refused.status == 404 and listed else ""
            yield error(at, f"{client.base_url} refuses '{question.model}' ({refused})", hint)
        else:
            yield warning(at, f"{client.base_url} did not answer a short request to '{question.model}' ({refused})")


def _form(client: openai.OpenAI, key: str, at: str, question: Question, refused: Fault) -> Finding:
    """Try other fields until the server takes them; return what it refuses and takes."""
    what = f"'{question.model}' refuses the fields of a request ({refused})"
    structured = any(name in question.body for name in STRUCTURES)
    changes = [*CHANGES, *([UNSTRUCTURED] if structured else [])]
    for count in range(1, len(changes) + 1):
        for chosen in combinations(changes, count):
            if _ask(client, question, *chosen) is None:
                fields = json.dumps({name: value for change in chosen for name, value in change.mend.items()})
                reply = [f"{key}.reply_format to text"] if UNSTRUCTURED in chosen else []
                own = [f"{key}.fields to {fields}"] if fields != "{}" else []
                return error(f"{key}.fields", what, f"set {' and '.join([*own, *reply])}")
    return error(at, what, "")


def _ask(client: openai.OpenAI, question: Question, *changes: Change) -> Fault | None:
    """Send a question with a limit of a few tokens; return its fault, if there is one."""
    body = question.body
    body |= {name: REPLY_TOKENS for name in LIMITS if name in body}
    for change in changes:
        body |= change.fields
    try:
        read(client.post("/chat/completions", cast_to=str, body=_set(body)).encode(), seconds=0.0, attempts=1)
    except FAULTS as failed:
        found = fault(failed, REPLY_S, WAIT_S)
        return None if CUT in (found.words or "") else found
    return None


def _set(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}
