"""Ask an OpenAI-compatible server many questions concurrently, within its limits; each reply is stored as it arrives.

`reset.llm.asking` describes how faults are handled.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from functools import partial

import openai

from reset.llm import Failure, Question, Reply, Server, batch
from reset.llm.asking import Asking
from reset.llm.budget import Budget, Lengths, charge
from reset.llm.ledger import Ledger
from reset.llm.pace import Pace
from reset.llm.wire import read


def ask(
    questions: Iterable[Question], server: Server, ledger: Ledger, *, judge: str, pool: str
) -> dict[str, Reply | Failure]:
    """Return a reply or failure per question key, from `ledger` or else from the server.

    The API key is the environment variable OPENAI_API_KEY. Raises `ResetError` if the server cannot be used, and when
    `max_cost_usd` is reached; the ledger has all replies received until then.
    """
    distinct = {question.key: question for question in questions}
    replies = _stored_replies(distinct, ledger)
    if len(replies) < len(distinct):
        with ledger.turn(server.base_url):
            replies = _stored_replies(distinct, ledger)  # another process may have asked meanwhile
            new = [question for key, question in distinct.items() if key not in replies]
            replies |= asyncio.run(_Run(server, ledger, judge, pool).all(new))
    return replies


def _stored_replies(questions: Mapping[str, Question], ledger: Ledger) -> dict[str, Reply | Failure]:
    return {key: reply for key, question in questions.items() if (reply := ledger.get(question))}


class _Run:
    """The requests of one event loop."""

    def __init__(self, server: Server, ledger: Ledger, judge: str, pool: str) -> None:
        self._server, self._ledger, self._judge, self._pool = server, ledger, judge, pool
        limits = server.model_dump(include={"concurrency", "timeout_s", "max_retries"})
        self._asking = Asking(server.base_url, **limits)
        self._budget = Budget(server, ledger.spent(judge, pool))
        self._requests = Pace(server.requests_per_minute, self._asking.sleep)
        self._tokens = Pace(server.tokens_per_minute, self._asking.sleep)
        self._lengths = Lengths(ledger)

    async def all(self, questions: list[Question]) -> dict[str, Reply | Failure]:
        """Ask all questions; if one stops the run, wait for those in flight, then raise."""
        server, options = self._server, {"judge": self._judge, "pool": self._pool}
        # aiohttp needs one write per request where httpx needs two, and less CPU time
        http_client = openai.DefaultAioHttpClient(timeout=server.timeout_s)
        async with openai.AsyncOpenAI(base_url=server.base_url, max_retries=0, http_client=http_client) as client:
            if server.batch_poll_s is not None:
                return await batch.ask(client, questions, server, self._ledger, **options)
            requests = (
                self._asking.ask(question.model, partial(self._attempt, client, question)) for question in questions
            )
            results = await asyncio.gather(*requests)
        self._asking.check()
        return {question.key: result for question, result in zip(questions, results, strict=True) if result is not None}

    async def _attempt(self, client: openai.AsyncOpenAI, question: Question, attempt: int) -> Reply:
        """Send the question within all limits and store the reply."""
        prompt_tokens = self._prompt_tokens(question)
        await self._requests.wait()
        await self._tokens.wait(prompt_tokens + question.max_tokens)
        self._asking.go_on()
        async with self._budget.hold(question, prompt_tokens) as paid:
            reply = await self._send(client, question, attempt)
            paid.append(self._store(question, reply))
            return reply

    async def _send(self, client: openai.AsyncOpenAI, question: Question, attempt: int) -> Reply:
        started = time.monotonic()
        async with asyncio.timeout(self._server.timeout_s):  # the client's own timeout is per read, not per request
            # as text, because the client's request and reply classes take longer than everything else
            content = await client.post("/chat/completions", cast_to=str, body=question.body)
        return read(content.encode(), seconds=time.monotonic() - started, attempts=attempt)

    def _store(self, question: Question, reply: Reply) -> float:
        """Store the reply in the ledger and return its cost."""
        usd = charge(question, reply, self._server, self._lengths)
        self._ledger.put(question, reply, pool=self._pool, base_url=self._server.base_url, usd=usd)
        return usd or 0.0

    def _prompt_tokens(self, question: Question) -> int:
        return round(self._lengths.prompt(question))
