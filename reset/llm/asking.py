"""Ask a server many things at once, and again where that may help.

What a request meets, and what follows:

- 408, 409, 429, 5xx, a time-out, a broken connection or body: sent again, up to `max_retries` times, after what the
  server's Retry-After says, else after 0.5, 1, 2 ... s (at most 30) with a seeded spread. Then it is a `Failure`.
- any other 4xx is this request's own fault: a `Failure` at once.
- a wrong key, no permission, an unknown model, an empty account, or a server that fails as many requests in a row as
  may be in flight: no request's fault. The run stops with a `ResetError` when what is in flight has come in.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from random import Random
from typing import TypeVar

import openai

from reset.errors import ResetError
from reset.llm import Failure
from reset.llm.wire import Broken, retry_after

Got = TypeVar("Got")

_UNUSABLE = (openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError)
_AGAIN = (408, 409, 429)
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 30.0


class Stopped(Exception):
    """Another request stopped the run."""


class Asking:
    """One event loop's worth of requests to the server at `where`, at most `concurrency` in flight.

    `timeout_s` is of one attempt, and only told in messages: who sends keeps to it.
    """

    def __init__(self, where: str, *, concurrency: int, timeout_s: float, max_retries: int) -> None:
        self._where, self._timeout_s, self._max_retries = where, timeout_s, max_retries
        self._concurrency, self._slots = concurrency, asyncio.Semaphore(concurrency)
        self._stop, self._why = asyncio.Event(), ResetError("")
        self._failed_in_a_row, self._any_reply = 0, False
        self._random = Random(0)

    async def ask(self, model: str, send: Callable[[int], Awaitable[Got]]) -> Got | Failure | None:
        """Await `send(attempt)` until it gives something; why it did not; None where the run stopped before."""
        try:
            for attempt in range(1, self._max_retries + 2):
                async with self._slots:
                    got = await self._attempt(model, send, attempt)
                if isinstance(got, _Wait):
                    failure = got.failure
                    if attempt <= self._max_retries:
                        await self.sleep(got.seconds)
                else:
                    return got
            return self._give_up(model, failure)
        except Stopped:
            return None

    async def _attempt(
        self, model: str, send: Callable[[int], Awaitable[Got]], attempt: int
    ) -> "Got | Failure | _Wait":
        """Return what came, why it must not be tried again, or why and after how long it may be."""
        self.go_on()
        try:
            got = await send(attempt)
        except ResetError as error:
            raise self._stopped(error) from error
        except (openai.APITimeoutError, TimeoutError):
            return _Wait(Failure(f"no reply within {self._timeout_s:g} s"), self._backoff(attempt))
        except openai.APIConnectionError as error:
            return _Wait(Failure("the connection broke", _first_line(error)), self._backoff(attempt))
        except Broken as error:
            return _Wait(Failure("the reply was no completion", str(error)), self._backoff(attempt))
        except openai.APIStatusError as error:
            return self._refused(model, error, attempt)
        self._failed_in_a_row, self._any_reply = 0, True
        return got

    def go_on(self) -> None:
        """Raise `Stopped` once the run has stopped."""
        if self._stop.is_set():
            raise Stopped

    async def sleep(self, seconds: float) -> None:
        """Sleep, and leave where the run stops meanwhile."""
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return
        raise Stopped

    def check(self) -> None:
        """Raise what stopped the run, if anything did."""
        if self._stop.is_set():
            raise self._why

    def _refused(self, model: str, error: openai.APIStatusError, attempt: int) -> "Failure | _Wait":
        failure = Failure(f"the server refused (status {error.status_code})", _first_line(error))
        if isinstance(error, _UNUSABLE) or error.code == "insufficient_quota":
            raise self._stopped(self._unusable(model, failure))
        if error.status_code in _AGAIN or error.status_code >= 500:
            return _Wait(failure, retry_after(error.response.headers) or self._backoff(attempt))
        return failure

    def _give_up(self, model: str, failure: Failure) -> Failure:
        self._failed_in_a_row += 1
        if not self._any_reply or self._failed_in_a_row >= self._concurrency:
            raise self._stopped(self._unusable(model, failure))
        return failure

    def _unusable(self, model: str, failure: Failure) -> ResetError:
        said, key = failure.error or failure.reason, os.environ.get("OPENAI_API_KEY")
        shown = said.replace(key, "***") if key else said
        return ResetError(f"{self._where}: model '{model}' cannot be asked ({shown})")

    def _stopped(self, why: ResetError) -> Stopped:
        if not self._stop.is_set():
            self._why = why
            self._stop.set()
        return Stopped()

    def _backoff(self, attempt: int) -> float:
        return min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** (attempt - 1)) * self._random.uniform(0.75, 1.25)


class _Wait:
    """Why an attempt failed, and the seconds after which another may work."""

    def __init__(self, failure: Failure, seconds: float) -> None:
        self.failure, self.seconds = failure, seconds


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
