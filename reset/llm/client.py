"""Ask many questions of an OpenAI-compatible server at once: limited, bounded, and each reply kept as it comes.

What a fault leads to stands in `reset.llm.asking`.
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
        limits = server.model_dump(include={"concurrency", "timeout_s", "max_retries"})
        self._asking = Asking(server.base_url, **limits)
        self._budget = Budget(server, ledger.spent(judge, pool))
        self._requests = Pace(server.requests_per_minute, self._asking.sleep)
        self._tokens = Pace(server.tokens_per_minute, self._asking.sleep)
        self._lengths = Lengths(ledger)

    async def all(self, questions: list[Question]) -> dict[str, Reply | Failure]:
        """Ask all; when one stops the run, wait for those in flight and raise."""
        server, options = self._server, {"judge": self._judge, "pool": self._pool}
        # aiohttp: a request takes one write where httpx takes two, and less of the processor
        sender = openai.DefaultAioHttpClient(timeout=server.timeout_s)
        async with openai.AsyncOpenAI(base_url=server.base_url, max_retries=0, http_client=sender) as client:
            if server.batch_poll_s is not None:
                return await batch.ask(client, questions, server, self._ledger, **options)
            asked = (self._asking.ask(one.model, partial(self._attempt, client, one)) for one in questions)
            results = await asyncio.gather(*asked)
        self._asking.check()
        return {one.key: result for one, result in zip(questions, results, strict=True) if result is not None}

    async def _attempt(self, client: openai.AsyncOpenAI, question: Question, attempt: int) -> Reply:
        """Send within all limits, and keep the reply."""
        prompt_tokens = self._prompt_tokens(question)
        await self._requests.wait()
        await self._tokens.wait(prompt_tokens + question.max_tokens)
        self._asking.go_on()
        async with self._budget.hold(question, prompt_tokens) as paid:
            reply = await self._send(client, question, attempt)
            paid.append(self._keep(question, reply))
            return reply

    async def _send(self, client: openai.AsyncOpenAI, question: Question, attempt: int) -> Reply:
        started = time.monotonic()
        async with asyncio.timeout(self._server.timeout_s):  # the client's own limit is per piece of the body
            # as text: the client's own classes for requests and replies take longer than all the rest of it
            content = await client.post("/chat/completions", cast_to=str, body=question.body)
        return read(content.encode(), seconds=time.monotonic() - started, attempts=attempt)

    def _keep(self, question: Question, reply: Reply) -> float:
        """Write the reply down and say what it cost."""
        usd = charge(question, reply, self._server, self._lengths)
        self._ledger.put(question, reply, pool=self._pool, base_url=self._server.base_url, usd=usd)
        return usd or 0.0

    def _prompt_tokens(self, question: Question) -> int:
        return round(self._lengths.prompt(question))
