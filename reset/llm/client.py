"""Ask an OpenAI-compatible server many questions concurrently, within its limits; each reply is stored as it arrives.

`reset.llm.asking` describes how faults are handled. A form of request that the server has never answered is tried on
one question before the others are sent.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from functools import partial

import openai

from reset.llm import Failure, Question, Reply, Server, batch
from reset.llm.asking import Asking
from reset.llm.budget import Budget, Lengths, charge
from reset.llm.key import api_key
from reset.llm.ledger import Ledger
from reset.llm.pace import Pace
from reset.llm.size import BOUNDED
from reset.llm.wire import read


def ask(
    questions: Iterable[Question], server: Server, ledger: Ledger, *, judge: str, pool: str
) -> dict[str, Reply | Failure]:
    """Return a reply or failure per question key, from `ledger` or else from the server.

    The API key is the environment variable OPENAI_API_KEY. Raises `ResetError` if the server cannot be used, and when
    `max_cost_usd` is reached; the ledger has all replies received until then.
    """
    distinct = {question.key: question for question in questions}
    replies = _stored_replies(distinct, ledger, server)
    if len(replies) < len(distinct):
        with ledger.turn(server.base_url):
            replies = _stored_replies(distinct, ledger, server)  # another process may have asked meanwhile
            new = [question for key, question in distinct.items() if key not in replies]
            replies |= asyncio.run(_Run(server, ledger, judge, pool).all(new))
    return replies


def _stored_replies(questions: Mapping[str, Question], ledger: Ledger, server: Server) -> dict[str, Reply | Failure]:
    found = ((key, ledger.get(question, server.base_url)) for key, question in questions.items())
    return {key: reply for key, reply in found if reply}


class _Run:
    """The requests of one event loop."""

    def __init__(self, server: Server, ledger: Ledger, judge: str, pool: str) -> None:
        self._server, self._ledger, self._judge, self._pool = server, ledger, judge, pool
        self._budget = Budget(server, ledger.spent(judge, pool))
        self._lengths = Lengths(ledger)

    async def all(self, questions: list[Question]) -> dict[str, Reply | Failure]:
        """Ask all questions; if one stops the run, wait for those in flight, then raise."""
        server, forms = self._server, {question.form: question for question in questions}
        known = {form for form, question in forms.items() if self._ledger.answered(question, server.base_url)}
        limits = server.model_dump(include={"concurrency", "timeout_s", "max_retries", "max_wait_s"})
        fields_at = f"judges.{self._judge}.options.server.fields in params.yaml"
        self._asking = Asking(server.base_url, **limits, answered=known, fields_at=fields_at)
        self._requests = Pace(server.requests_per_minute, self._asking.sleep)
        self._tokens = Pace(server.tokens_per_minute, self._asking.sleep)
        # aiohttp needs one write per request where httpx needs two, and less CPU time; a redirect would lose the body
        http = openai.DefaultAioHttpClient(timeout=server.timeout_s, follow_redirects=False, event_hooks=BOUNDED)
        key = api_key() or "none"
        async with openai.AsyncOpenAI(api_key=key, base_url=server.base_url, max_retries=0, http_client=http) as client:
            replies = await self._tried(client, [question for question in questions if question.form not in known])
            rest = [question for question in questions if question.key not in replies]
            if server.batch_poll_s is not None:
                account = {"judge": self._judge, "pool": self._pool}
                return replies | await batch.ask(client, rest, server, self._ledger, **account)
            results = await asyncio.gather(*(self._ask(client, question) for question in rest))
        self._asking.check()
        return replies | {
            question.key: result for question, result in zip(rest, results, strict=True) if result is not None
        }

    async def _tried(self, client: openai.AsyncOpenAI, questions: list[Question]) -> dict[str, Reply | Failure]:
        """Ask questions of each form one after the other until one is answered; return what came of those asked."""
        outcomes: dict[str, Reply | Failure] = {}
        answered: set[str] = set()
        for question in questions:
            if question.form not in answered:
                outcome = await self._ask(client, question)
                self._asking.check()
                if outcome is not None:
                    outcomes[question.key] = outcome
                if isinstance(outcome, Reply):
                    answered.add(question.form)
        return outcomes

    async def _ask(self, client: openai.AsyncOpenAI, question: Question) -> Reply | Failure | None:
        attempt = partial(self._attempt, client, question)
        return await self._asking.ask(question.model, attempt, form=question.form, subject=question.subject)

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
