"""Send many requests to a server concurrently, with retries.

`reset.llm.faults` says what a fault means. A passing one is retried up to `max_retries` times, after the time in the
server's Retry-After (up to `max_wait_s`), else after 0.5, 1, 2 ... s (at most 30) with seeded jitter; after the last
retry the request is a `Failure`. One that concerns this prompt alone is a `Failure` at once. The run stops with a
`ResetError`, once the requests in flight have ended, when

- the account is at fault, or nothing listens at the address and nothing did before;
- no request of a form has been answered yet, and its form is refused, or `FEW` prompts failed in a row;
- `MANY` prompts were refused in a row with equal words, or as many requests failed in a row as may be in flight, of at
  least `FEW` prompts.

Prompts about the same subject count once in these rows: a pool holds many answers to one prompt, and a server that
refuses the prompt refuses all of them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

import aiohttp
import openai

from reset.errors import ResetError
from reset.llm import Failure
from reset.llm.faults import Fault, Meaning, fault
from reset.llm.wire import Broken, ErrorBody

Result = TypeVar("Result")

FEW, MANY = 3, 10
# what `reset.llm.faults.fault` reads; the client lets aiohttp's error through where a server does not speak HTTP
FAULTS = (openai.APIError, aiohttp.ClientError, TimeoutError, Broken, ErrorBody)
log = logging.getLogger(__name__)
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 30.0


class Stopped(Exception):
    """Another request stopped the run."""


@dataclass
class _Row:
    """What failed since the last reply to a request of one form: subjects by what their faults have in common."""

    refused: dict[str, set[object]] = field(default_factory=dict)
    failed: set[object] = field(default_factory=set)
    failures: int = 0


class Asking:
    """Sends the requests of one event loop to the server at `where`, at most `concurrency` at a time.

    `timeout_s` only appears in messages; the caller's `send` enforces it. `answered` are the forms of requests that the
    server is known to take; `fields_at` says where in params.yaml the fields of a request stand.
    """

    def __init__(
        self,
        where: str,
        *,
        concurrency: int,
        timeout_s: float,
        max_retries: int,
        max_wait_s: float,
        answered: Collection[str] = (),
        fields_at: str = "",
    ) -> None:
        self._where, self._timeout_s, self._max_retries = where, timeout_s, max_retries
        self._max_wait_s = max_wait_s
        self._concurrency, self._slots = concurrency, asyncio.Semaphore(concurrency)
        self._stop, self._error = asyncio.Event(), ResetError("")
        self._answered, self._fields_at = set(answered), fields_at
        self._rows: dict[str, _Row] = {}
        self._random = Random(0)  # nosec B311: draws to repeat

    async def ask(
        self, model: str, send: Callable[[int], Awaitable[Result]], *, form: str = "", subject: object = None
    ) -> Result | Failure | None:
        """Await `send(attempt)` with retries; return its result, a `Failure`, or None if the run stopped before.

        `form` names the model and the fields of the request, `subject` what its prompt is about; by default the model,
        and a subject of its own.
        """
        form, subject = form or model, object() if subject is None else subject
        try:
            for attempt in range(1, self._max_retries + 2):
                async with self._slots:
                    outcome = await self._attempt(send, attempt)
                if not isinstance(outcome, Fault):
                    self._answered.add(form)
                    self._rows.pop(form, None)
                    return outcome
                if outcome.meaning is not Meaning.PASSING:
                    return self._refused(model, form, subject, outcome)
                if attempt > self._max_retries:
                    return self._gave_up(model, form, subject, outcome)
                await self._wait(outcome.wait_s or self._backoff(attempt))
        except Stopped:
            pass
        return None

    async def _attempt(self, send: Callable[[int], Awaitable[Result]], attempt: int) -> Result | Fault:
        """Return the result of one attempt, or its fault."""
        self.go_on()
        try:
            return await send(attempt)
        except ResetError as error:
            raise self._stop_run(error) from error
        except FAULTS as error:
            return fault(error, self._timeout_s, self._max_wait_s)

    async def _wait(self, seconds: float) -> None:
        if seconds > 2 * _LONGEST_WAIT_S:
            log.warning("%s: asks to wait %.0f s", self._where, seconds)
        await self.sleep(seconds)

    def go_on(self) -> None:
        """Raise `Stopped` if the run has stopped."""
        if self._stop.is_set():
            raise Stopped

    async def sleep(self, seconds: float) -> None:
        """Sleep; raise `Stopped` as soon as the run stops."""
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return
        raise Stopped

    def check(self) -> None:
        """Raise the error that stopped the run, if there is one."""
        if self._stop.is_set():
            raise self._error

    def _refused(self, model: str, form: str, subject: object, refusal: Fault) -> Failure:
        """Fail a request that the server refused; stop the run if it refuses others for the same reason."""
        new = form not in self._answered
        if refusal.meaning is Meaning.ACCOUNT:
            raise self._stop_run(self._unusable(model, refusal))
        if refusal.meaning is Meaning.FORM and new:
            hint = f"; {self._fields_at} changes the fields of a request" if self._fields_at else ""
            raise self._stop_run(self._unusable(model, refusal, hint))
        subjects = self._rows.setdefault(form, _Row()).refused.setdefault(refusal.kind, set())
        subjects.add(subject)
        if len(subjects) >= (FEW if new and refusal.meaning is not Meaning.PROMPT else MANY):
            raise self._stop_run(self._unusable(model, refusal, f"; so for {len(subjects)} prompts in a row"))
        return Failure(refusal.reason, refusal.words)

    def _gave_up(self, model: str, form: str, subject: object, last: Fault) -> Failure:
        """Fail a request after its last attempt; stop the run if the server seems to be down."""
        new = form not in self._answered
        row = self._rows.setdefault(form, _Row())
        row.failed.add(subject)
        row.failures += 1
        down = len(row.failed) >= FEW and row.failures >= (FEW if new else self._concurrency)
        if down or (last.absent and not self._answered):
            raise self._stop_run(self._unusable(model, last))
        return Failure(last.reason, last.words)

    def _unusable(self, model: str, reason: Fault, more: str = "") -> ResetError:
        if reason.absent:
            return ResetError(f"{self._where}: {reason}")
        return ResetError(f"{self._where}: cannot use model '{model}' ({reason}){more}")

    def _stop_run(self, error: ResetError) -> Stopped:
        """Stop the run, keeping its first error; return the exception to raise."""
        if not self._stop.is_set():
            self._error = error
            self._stop.set()
        return Stopped()

    def _backoff(self, attempt: int) -> float:
        return backoff(attempt) * self._random.uniform(0.75, 1.25)


def backoff(attempt: int) -> float:
    """Return the seconds to wait after a failed attempt, where the server does not say."""
    return min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** (attempt - 1))
