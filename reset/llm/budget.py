"""The expected cost of questions, and a budget that stops before the limit is exceeded."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache

from reset.errors import ResetError
from reset.llm import Question, Reply, Server
from reset.llm.ledger import Ledger


@dataclass(frozen=True)
class Estimate:
    """Distinct questions and how many the ledger answers; tokens and US dollars of the other ones."""

    questions: int
    cached: int
    prompt_tokens: int
    completion_tokens: int
    usd: float | None  # null if a model has no price
    spent_usd: float  # on this pool so far
    max_cost_usd: float | None

    def __str__(self) -> str:
        share = self.cached / self.questions if self.questions else 1.0
        tokens = f"about {self.prompt_tokens:,} prompt and {self.completion_tokens:,} reply tokens"
        cost = "price unknown" if self.usd is None else f"about ${self.usd:,.2f}"
        limit = "" if self.max_cost_usd is None else f" of ${self.max_cost_usd:,.2f} allowed"
        counts = f"{self.questions - self.cached:,} requests to make, {self.cached:,} ({share:.0%}) in the ledger"
        return f"{counts}; {tokens}; {cost}, ${self.spent_usd:,.2f} spent before{limit}"


class Lengths:
    """Expected tokens of prompts and replies, from the model's averages in the ledger; looked up once per model."""

    def __init__(self, ledger: Ledger) -> None:
        self._experience = cache(ledger.experience)

    def prompt(self, question: Question) -> float:
        """Return the expected tokens of the prompt."""
        return len(question.prompt) / self._experience(question.model)[0]

    def reply(self, question: Question) -> float:
        """Return the expected tokens of the reply: the model's mean so far, else the maximum."""
        mean = self._experience(question.model)[1]
        return question.max_tokens if mean is None else mean


def charge(question: Question, reply: Reply, server: Server, lengths: Lengths) -> float | None:
    """Return the US dollars of a reply; if the server sends no counts, assume the expected prompt and a full reply."""
    prompt, completion = reply.prompt_tokens, reply.completion_tokens
    prompt = round(lengths.prompt(question)) if prompt is None else prompt
    completion = question.max_tokens if completion is None else completion
    return server.usd(question.model, prompt, completion, batch=reply.batch)


def estimate(
    asked: Iterable[tuple[Question, Server]], max_cost_usd: float | None, ledger: Ledger, *, judge: str, pool: str
) -> Estimate:
    """Estimate the cost of the distinct questions that are `asked`, with the reply lengths of `Lengths.reply`."""
    seen: set[str] = set()
    cached, prompts, replies, usd, priced = 0, 0.0, 0.0, 0.0, True
    lengths = Lengths(ledger)
    for question, server in asked:
        if question.key in seen:
            continue
        seen.add(question.key)
        if ledger.get(question, server.base_url):
            cached += 1
            continue
        tokens = lengths.prompt(question), lengths.reply(question)
        price = server.usd(question.model, round(tokens[0]), round(tokens[1]), batch=server.batch_poll_s is not None)
        priced, usd = priced and price is not None, usd + (price or 0.0)
        prompts, replies = prompts + tokens[0], replies + tokens[1]
    spent = ledger.spent(judge, pool)
    cost = usd if priced else None
    return Estimate(len(seen), cached, round(prompts), round(replies), cost, spent, max_cost_usd)


class Budget:
    """US dollars of one pool; each request reserves its highest possible price before it is sent."""

    def __init__(self, server: Server, spent: float) -> None:
        self._server, self._spent, self._reserved, self._in_flight = server, spent, 0.0, 0
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def hold(self, question: Question, prompt_tokens: int) -> AsyncIterator[list[float]]:
        """Reserve the price; yield a list to append the actual cost to. Raises `ResetError` if the limit is too low."""
        limit = self._server.max_cost_usd
        highest = self._server.usd(question.model, prompt_tokens, question.max_tokens) or 0.0
        async with self._changed:
            while limit is not None and self._spent + self._reserved + highest > limit:
                if not self._in_flight:
                    raise ResetError(
                        f"max_cost_usd = {limit:g} leaves no room for another request to '{question.model}': "
                        f"${self._spent:.4f} spent on this pool. All replies are kept; raise it to go on"
                    )
                await self._changed.wait()
            self._reserved, self._in_flight = self._reserved + highest, self._in_flight + 1
        paid: list[float] = []
        try:
            yield paid
        finally:
            async with self._changed:
                self._reserved, self._in_flight = self._reserved - highest, self._in_flight - 1
                self._spent += sum(paid)
                self._changed.notify_all()
