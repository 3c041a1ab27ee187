"""Send many requests to a server concurrently, with retries.

How faults are handled:

- 408, 409, 429, 5xx, a timeout, a broken connection or body: retried up to `max_retries` times, after the time in the
  server's Retry-After, else after 0.5, 1, 2 ... s (at most 30) with seeded jitter. After the last retry: a `Failure`.
- Any other 4xx is the fault of the request: a `Failure` without a retry.
- A wrong key, no permission, an unknown model, no credit, a failure before any reply, or as many failures in a row as
  requests may be in flight: the run stops with a `ResetError` once the requests in flight have ended.
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

Result = TypeVar("Result")

_FATAL = (openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError)
_RETRIED = (408, 409, 429)
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 30.0


class Stopped(Exception):
    """Another request stopped the run."""


class Asking:
    """Sends the requests of one event loop to the server at `where`, at most `concurrency` at a time.

    `timeout_s` only appears in messages; the caller's `send` enforces it.
    """

    def __init__(self, where: str, *, concurrency: int, timeout_s: float, max_retries: int) -> None:
        self._where, self._timeout_s, self._max_retries = where, timeout_s, max_retries
        self._concurrency, self._slots = concurrency, asyncio.Semaphore(concurrency)
        self._stop, self._error = asyncio.Event(), ResetError("")
        self._failed_in_a_row, self._any_reply = 0, False
        self._random = Random(0)

    async def ask(self, model: str, send: Callable[[int], Awaitable[Result]]) -> Result | Failure | None:
        """Await `send(attempt)` with retries; return its result, a `Failure`, or None if the run stopped before."""
        try:
            for attempt in range(1, self._max_retries + 2):
                async with self._slots:
                    outcome = await self._attempt(model, send, attempt)
                if isinstance(outcome, _Wait):
                    failure = outcome.failure
                    if attempt <= self._max_retries:
                        await self.sleep(outcome.seconds)
                else:
                    return outcome
            return self._give_up(model, failure)
        except Stopped:
            return None

    async def _attempt(
        self, model: str, send: Callable[[int], Awaitable[Result]], attempt: int
    ) -> "Result | Failure | _Wait":
        """Return the result, a `Failure` that must not be retried, or a `_Wait` before the next attempt."""
        self.go_on()
        try:
            result = await send(attempt)
        except ResetError as error:
            raise self._stop_run(error) from error
        except (openai.APITimeoutError, TimeoutError):
            return _Wait(Failure(f"no reply within {self._timeout_s:g} s"), self._backoff(attempt))
        except openai.APIConnectionError as error:
            return _Wait(Failure("the connection broke", _first_line(error)), self._backoff(attempt))
        except Broken as error:
            return _Wait(Failure("the reply was no completion", str(error)), self._backoff(attempt))
        except openai.APIStatusError as error:
            return self._handle_status(model, error, attempt)
        self._failed_in_a_row, self._any_reply = 0, True
        return result

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

    def _handle_status(self, model: str, error: openai.APIStatusError, attempt: int) -> "Failure | _Wait":
        """Handle an HTTP error status: stop the run, retry, or fail the request."""
        failure = Failure(f"the server refused (status {error.status_code})", _first_line(error))
        if isinstance(error, _FATAL) or error.code == "insufficient_quota":
            raise self._stop_run(self._fatal_error(model, failure))
        if error.status_code in _RETRIED or error.status_code >= 500:
            return _Wait(failure, retry_after(error.response.headers) or self._backoff(attempt))
        return failure

    def _give_up(self, model: str, failure: Failure) -> Failure:
        """Fail the request after its last attempt; stop the run if the server seems to be down."""
        self._failed_in_a_row += 1
        if not self._any_reply or self._failed_in_a_row >= self._concurrency:
            raise self._stop_run(self._fatal_error(model, failure))
        return failure

    def _fatal_error(self, model: str, failure: Failure) -> ResetError:
        message, key = failure.error or failure.reason, os.environ.get("OPENAI_API_KEY")
        masked = message.replace(key, "***") if key else message
        return ResetError(f"{self._where}: cannot use model '{model}' ({masked})")

    def _stop_run(self, error: ResetError) -> Stopped:
        """Stop the run, keeping its first error; return the exception to raise."""
        if not self._stop.is_set():
            self._error = error
            self._stop.set()
        return Stopped()

    def _backoff(self, attempt: int) -> float:
        return min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** (attempt - 1)) * self._random.uniform(0.75, 1.25)


class _Wait:
    """Why an attempt failed, and the seconds to wait before the next one."""

    def __init__(self, failure: Failure, seconds: float) -> None:
        self.failure, self.seconds = failure, seconds


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
