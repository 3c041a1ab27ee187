"""Ask many questions of an OpenAI-compatible server at once: limited, bounded, and each reply kept as it comes.

What a question meets, and what follows:

- 408, 409, 429, 5xx, a time-out, a broken connection or body: asked again, up to `max_retries` times, after what the
  server's Retry-After says, else after 0.5, 1, 2 ... s (at most 30) with a seeded spread. Then it is a `Failure`.
- any other 4xx is this question's own fault: a `Failure` at once.
- a wrong key, no permission, an unknown model, an empty account, or a server that fails as many questions in a row as
  may be in flight: no question's fault. The run stops with a `ResetError` when what is in flight has come in.
"""

import asyncio
import os
import time
from collections.abc import Iterable, Mapping
from random import Random

import openai

from reset.errors import ResetError
from reset.llm import Failure, Question, Reply, Server, batch
from reset.llm.budget import Budget
from reset.llm.ledger import Ledger
from reset.llm.pace import Pace
from reset.llm.wire import Broken, read, retry_after

_UNUSABLE = (openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError)
_AGAIN = (408, 409, 429)
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 30.0


class _Stopped(Exception):
    """Another question stopped the run."""


def ask(
    questions: Iterable[Question], server: Server, ledger: Ledger, *, judge: str, pool: str
) -> dict[str, Reply | Failure]:
    """Answer each distinct question, by its key: from `ledger`, else from the server.

    The key comes from the environment variable OPENAI_API_KEY. Raises `ResetError` where the server cannot be used and
    where `max_cost_usd` is reached; all that came in until then is in the ledger.
    """
    distinct = {question.key: question for question in questions}
    found = _known(distinct, ledger)
    if len(found) < len(distinct):
        with ledger.turn(server.base_url):
            found = _known(distinct, ledger)  # another process may have asked meanwhile
            new = [question for key, question in distinct.items() if key not in found]
            found |= asyncio.run(_Run(server, ledger, judge, pool).all(new))
    return found


def _known(questions: Mapping[str, Question], ledger: Ledger) -> dict[str, Reply | Failure]:
    return {key: reply for key, question in questions.items() if (reply := ledger.get(question))}


class _Run:
    """One event loop's worth of questions."""

    def __init__(self, server: Server, ledger: Ledger, judge: str, pool: str) -> None:
        self._server, self._ledger, self._judge, self._pool = server, ledger, judge, pool
        self._slots = asyncio.Semaphore(server.concurrency)
        self._budget = Budget(server, ledger.spent(judge, pool))
        self._stop, self._why = asyncio.Event(), ResetError("")
        self._requests = Pace(server.requests_per_minute, self._sleep)
        self._tokens = Pace(server.tokens_per_minute, self._sleep)
        self._failed_in_a_row, self._any_reply = 0, False
        self._characters: dict[str, float] = {}
        self._random = Random(0)

    async def all(self, questions: list[Question]) -> dict[str, Reply | Failure]:
        """Ask all; when one stops the run, wait for those in flight and raise."""
        server, options = self._server, {"judge": self._judge, "pool": self._pool}
        async with openai.AsyncOpenAI(base_url=server.base_url, timeout=server.timeout_s, max_retries=0) as client:
            if server.batch_poll_s is not None:
                return await batch.ask(client, questions, server, self._ledger, **options)
            results = await asyncio.gather(*(self._ask(client, question) for question in questions))
        if self._stop.is_set():
            raise self._why
        return {one.key: result for one, result in zip(questions, results, strict=True) if result is not None}

    async def _ask(self, client: openai.AsyncOpenAI, question: Question) -> Reply | Failure | None:
        """Ask until there is a reply; None where the run stopped before."""
        try:
            for attempt in range(1, self._server.max_retries + 2):
                async with self._slots:
                    outcome = await self._attempt(client, question, attempt)
                if isinstance(outcome, Reply):
                    return outcome
                failure, wait_s = outcome
                if wait_s is None:
                    return failure
                if attempt <= self._server.max_retries:
                    await self._sleep(wait_s)
            return self._give_up(question, failure)
        except _Stopped:
            return None

    async def _attempt(
        self, client: openai.AsyncOpenAI, question: Question, attempt: int
    ) -> Reply | tuple[Failure, float | None]:
        """Return the reply, else what went wrong and the seconds to wait; None for a question not to be asked again."""
        prompt_tokens = self._prompt_tokens(question)
        await self._requests.wait()
        await self._tokens.wait(prompt_tokens + question.max_tokens)
        if self._stop.is_set():
            raise _Stopped
        try:
            async with self._budget.hold(question, prompt_tokens) as paid:
                reply = await self._send(client, question, attempt)
                paid.append(self._keep(question, reply))
                return reply
        except ResetError as error:
            raise self._stopped(error) from error
        except (openai.APITimeoutError, TimeoutError):
            return Failure(f"no reply within {self._server.timeout_s:g} s"), self._backoff(attempt)
        except openai.APIConnectionError as error:
            return Failure("the connection broke", _first_line(error)), self._backoff(attempt)
        except Broken as error:
            return Failure("the reply was no chat completion", str(error)), self._backoff(attempt)
        except openai.APIStatusError as error:
            return self._refused(question, error, attempt)

    async def _send(self, client: openai.AsyncOpenAI, question: Question, attempt: int) -> Reply:
        started = time.monotonic()
        async with asyncio.timeout(self._server.timeout_s):  # the client's own limit is per piece of the body
            body = question.body
            model, messages = body.pop("model"), body.pop("messages")
            response = await client.chat.completions.with_raw_response.create(
                model=model, messages=messages, extra_body=body
            )
            content = response.http_response.content
        return read(content, seconds=time.monotonic() - started, attempts=attempt)

    def _keep(self, question: Question, reply: Reply) -> float:
        """Write the reply down and say what it cost; a server that counts no tokens is charged by estimate."""
        spent = reply.prompt_tokens, reply.completion_tokens
        prompt_tokens = self._prompt_tokens(question) if spent[0] is None else spent[0]
        usd = self._server.usd(question.model, prompt_tokens, question.max_tokens if spent[1] is None else spent[1])
        self._ledger.put(question, reply, pool=self._pool, base_url=self._server.base_url, usd=usd)
        self._failed_in_a_row, self._any_reply = 0, True
        return usd or 0.0

    def _refused(self, question: Question, error: openai.APIStatusError, attempt: int) -> tuple[Failure, float | None]:
        failure = Failure(f"the server refused (status {error.status_code})", _first_line(error))
        if isinstance(error, _UNUSABLE) or error.code == "insufficient_quota":
            raise self._stopped(self._unusable(question, failure))
        if error.status_code in _AGAIN or error.status_code >= 500:
            return failure, retry_after(error.response.headers) or self._backoff(attempt)
        return failure, None

    def _give_up(self, question: Question, failure: Failure) -> Failure:
        self._failed_in_a_row += 1
        if not self._any_reply or self._failed_in_a_row >= self._server.concurrency:
            raise self._stopped(self._unusable(question, failure))
        return failure

    def _unusable(self, question: Question, failure: Failure) -> ResetError:
        said = (failure.error or failure.reason).replace(os.environ["OPENAI_API_KEY"], "***")
        return ResetError(f"{self._server.base_url}: model '{question.model}' cannot be asked ({said})")

    def _stopped(self, why: ResetError) -> _Stopped:
        if not self._stop.is_set():
            self._why = why
            self._stop.set()
        return _Stopped()

    async def _sleep(self, seconds: float) -> None:
        """Sleep, and leave where the run stops meanwhile."""
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return
        raise _Stopped

    def _backoff(self, attempt: int) -> float:
        return min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** (attempt - 1)) * self._random.uniform(0.75, 1.25)

    def _prompt_tokens(self, question: Question) -> int:
        """Estimate from what this model's prompts have had so far."""
        if question.model not in self._characters:
            self._characters[question.model], _ = self._ledger.experience(question.model)
        return round(len(question.prompt) / self._characters[question.model])


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
