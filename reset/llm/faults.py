"""What a fault of a server means: whom it concerns decides what is done about it.

| meaning | concerns | examples |
|---|---|---|
| account | every request | wrong key, no credit, no such model, an address that sends elsewhere |
| form | every request of this form | a field that the model does not take |
| prompt | this prompt | content policy, a prompt that is too long |
| refused | one or all: the server does not say | any other status from 400 to 499 |
| passing | this attempt | rate limits, 5xx, time-outs, broken connections and bodies |

Statuses decide where they are clear, else the server's code and words (OpenAI, Azure, Anthropic, Google, DeepSeek,
OpenRouter, vLLM).
"""

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import openai

from reset.llm.key import one_line
from reset.llm.wire import Broken, ErrorBody, Problem, problem, retry_after

_ACCOUNT_CODES = re.compile(
    r"insufficient|quota|billing|balance|arrear|overdue|invalid_api_key|authentication|permission_error"
    r"|model_not_found|unsupported_country"
)
_ACCOUNT = re.compile(
    r"insufficient[ _]\w+|credit|balance|quota|billing|payment|api[ _-]?key|arrears|overdue|unpaid"
    r"|account.{0,40}(?:deactivated|suspended|disabled|terminated|active|good standing)"
    r"|model.{0,80}(?:not exist|not found)|(?:valid|access to) model"
)
_CLOSED = re.compile(  # before what concerns a prompt, whose words these have too
    r"(?:location|country|region).{0,40}not (?:supported|available)|\bip (?:address|allow|white)"
    r"|verif\w* (?:your )?organi[sz]ation|organi[sz]ation must be verified|decommissioned"
    r"|(?:budget|key limit|spend\w* limit)\b.{0,20}exceeded"
)
_RATE = re.compile(r"per (?:second|minute)|resource has been exhausted|too many requests|rate.?limit")
_PROMPT = re.compile(
    r"content.{0,3}(?:policy|policies|filter|management|moderation)|moderat|flagged|safety|violat|inappropriate|harmful"
    r"|responsible.?ai|usage polic|data_inspection|sensitive|blocked|content exists risk"
    r"|context.{0,3}(?:length|window)|too (?:long|large)|too many tokens|reduce the length|max\w* (?:context|input)"
    r"|(?:longer than|exceed\w*) (?:the )?max\w*"
)
_FORM = re.compile(
    r"unsupported|not support|only supports|not allowed|unrecogni[sz]ed|unexpected keyword"
    r"|extra (?:fields|inputs)|not permitted"
    r"|\b(?:parameter|argument|field)s?\b|max_tokens|max_completion_tokens|temperature|response_format|structured_outputs"
)


class Meaning(Enum):
    """Whom a fault concerns; see the table above."""

    ACCOUNT = "account"
    FORM = "form"
    PROMPT = "prompt"
    REFUSED = "refused"
    PASSING = "passing"


@dataclass(frozen=True)
class Fault:
    """A fault: what it means, a short reason, and the server's own words, if it has any, in one line."""

    meaning: Meaning
    reason: str
    words: str | None = None
    status: int | None = None
    wait_s: float | None = None  # that the server asks for
    absent: bool = False  # nothing listens at the address

    @property
    def kind(self) -> str:
        """What equal faults have in common: status and words, without numbers, ids and quotations."""
        return re.sub(r"'[^']*'|\"[^\"]*\"|\w*\d\w*", "", f"{self.meaning} {self.status} {self.words}")

    def __str__(self) -> str:
        if self.status is not None:
            return f"Error code: {self.status} - {self.words}"
        return f"{self.reason}: {self.words}" if self.words and not self.absent else self.reason


def fault(error: Exception, timeout_s: float, max_wait_s: float) -> Fault:
    """Return what an exception of the client, of `reset.llm.wire` or of asyncio's time-out means.

    A server that asks to wait for longer than `max_wait_s` is as good as closed to this account.
    """
    if isinstance(error, openai.APIStatusError):
        return refusal(error.status_code, problem(error.response.text), error.response.headers, max_wait_s)
    if isinstance(error, ErrorBody):
        return refusal(error.problem.status or 200, error.problem, {}, max_wait_s)
    if isinstance(error, Broken):
        return Fault(Meaning.PASSING, "the reply was no completion", str(error) or "an empty body")
    cause = _connection_cause(error)
    if isinstance(cause, socket.gaierror):
        return Fault(Meaning.PASSING, f"no machine of that name is known ({one_line(str(cause))})", absent=True)
    if cause is not None:
        return Fault(Meaning.PASSING, f"nothing listens there ({one_line(str(cause))})", absent=True)
    if isinstance(error, openai.APITimeoutError | TimeoutError):
        return Fault(Meaning.PASSING, f"no reply within {timeout_s:g} s")
    words = str(error.__cause__ or "") or str(error) or type(error).__name__
    return Fault(Meaning.PASSING, "the connection broke", one_line(words))


def refusal(status: int, said: Problem, headers: Mapping[str, str], max_wait_s: float) -> Fault:
    """Return what a status and the server's description of the error mean."""
    wait_s = retry_after(headers)
    words = said.words or "no reason given"
    if 300 <= status < 400:
        words = one_line(f"it sends requests on to {headers.get('location', 'another address')}: name that as base_url")
    too_long = (wait_s or 0.0) > max_wait_s
    if too_long:
        words = f"{words}; it asks to wait {wait_s:,.0f} s, longer than max_wait_s ({max_wait_s:g})"
    reason = f"the server refused (status {status})"
    return Fault(Meaning.ACCOUNT if too_long else _meaning(status, said, wait_s), reason, words, status, wait_s)


def _meaning(status: int, said: Problem, wait_s: float | None) -> Meaning:
    code, words = said.code, f"{said.words} {said.code}".lower()
    if status in (401, 402, 404, 405, 407, 410) or 300 <= status < 400:
        return Meaning.ACCOUNT
    if status == 429:
        unsure = wait_s is None and not _RATE.search(words)
        spent = "insufficient" in code or "billing" in code or (unsure and _ACCOUNT.search(words))
        return Meaning.ACCOUNT if spent else Meaning.PASSING
    if status in (408, 409, 425, 498) or status >= 500:
        return Meaning.PASSING
    if _ACCOUNT_CODES.search(code) or _CLOSED.search(words):
        return Meaning.ACCOUNT
    if said.field.startswith("max_") and "context" not in words:
        return Meaning.FORM  # a longer reply than the model gives, whatever the prompt
    if status == 413 or _PROMPT.search(words):
        return Meaning.PROMPT
    if _ACCOUNT.search(words):
        return Meaning.ACCOUNT
    if status == 200:
        return Meaning.PASSING
    if status in (400, 422) and (_FORM.search(words) or (said.field and not said.field.startswith("messages"))):
        return Meaning.FORM
    return Meaning.REFUSED


def _connection_cause(error: BaseException) -> OSError | None:
    """Return the refused connection, or the unknown name, that lies behind an error of the client, if one does."""
    cause: BaseException | None = error
    for _ in range(20):
        if isinstance(cause, ConnectionRefusedError | socket.gaierror):
            return cause
        cause = cause and (cause.__cause__ or cause.__context__)
    return None
