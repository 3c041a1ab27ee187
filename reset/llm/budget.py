"""What asking will take, before it starts, and a stop before it takes more than allowed."""

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
    """Requests that are new and that the ledger answers; tokens and US dollars of the new ones."""

    questions: int
    cached: int
    prompt_tokens: int
    completion_tokens: int
    usd: float | None  # null where a model has no price
    spent_usd: float  # on the same pool before
    max_cost_usd: float | None

    def __str__(self) -> str:
        share = self.cached / self.questions if self.questions else 1.0
        tokens = f"about {self.prompt_tokens:,} prompt and {self.completion_tokens:,} reply tokens"
        cost = "price unknown" if self.usd is None else f"about ${self.usd:,.2f}"
        limit = "" if self.max_cost_usd is None else f" of ${self.max_cost_usd:,.2f} allowed"
        asked = f"{self.questions - self.cached:,} requests to make, {self.cached:,} ({share:.0%}) in the ledger"
        return f"{asked}; {tokens}; {cost}, ${self.spent_usd:,.2f} spent before{limit}"


class Lengths:
    """Tokens to expect, by what a model's prompts and replies in the ledger have had; looked up once per model."""

    def __init__(self, ledger: Ledger) -> None:
        self._experience = cache(ledger.experience)

    def prompt(self, question: Question) -> float:
        """Tokens of the question's prompt."""
        return len(question.prompt) / self._experience(question.model)[0]

    def reply(self, question: Question) -> float:
        """Tokens of a reply to it: as many as the model's have had, else as many as it may have."""
        mean = self._experience(question.model)[1]
        return question.max_tokens if mean is None else mean


def charge(question: Question, reply: Reply, server: Server, lengths: Lengths) -> float | None:
    """US dollars of a reply; what the server did not count is charged as estimated: the prompt, and a full reply."""
    asked, said = reply.prompt_tokens, reply.completion_tokens
    prompt_tokens = round(lengths.prompt(question)) if asked is None else asked
    return server.usd(question.model, prompt_tokens, question.max_tokens if said is None else said, batch=reply.batch)


def estimate(questions: Iterable[Question], server: Server, ledger: Ledger, *, judge: str, pool: str) -> Estimate:
    """Count `questions` once each; replies are taken to be as long as the model's so far, else of full length."""
    seen: set[str] = set()
    cached, prompts, replies, usd, priced = 0, 0.0, 0.0, 0.0, True
    lengths = Lengths(ledger)
    for question in questions:
        if question.key in seen:
            continue
        seen.add(question.key)
        if ledger.get(question):
            cached += 1
            continue
        tokens = lengths.prompt(question), lengths.reply(question)
        price = server.usd(question.model, round(tokens[0]), round(tokens[1]), batch=server.batch_poll_s is not None)
        priced, usd = priced and price is not None, usd + (price or 0.0)
        prompts, replies = prompts + tokens[0], replies + tokens[1]
    spent = ledger.spent(judge, pool)
    cost = usd if priced else None
    return Estimate(len(seen), cached, round(prompts), round(replies), cost, spent, server.max_cost_usd)


class Budget:
    """US dollars of one pool: a request sets aside its highest price before it is sent."""

    def __init__(self, server: Server, spent: float) -> None:
        self._server, self._spent, self._held, self._holders = server, spent, 0.0, 0
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def hold(self, question: Question, prompt_tokens: int) -> AsyncIterator[list[float]]:
        """Yield a list for what the request cost in the end; `ResetError` when the limit leaves no room for it."""
        limit = self._server.max_cost_usd
        most = self._server.usd(question.model, prompt_tokens, question.max_tokens) or 0.0
        async with self._changed:
            while limit is not None and self._spent + self._held + most > limit:
                if not self._holders:
                    raise ResetError(
                        f"max_cost_usd = {limit:g} leaves no room for another request to '{question.model}': "
                        f"${self._spent:.4f} spent on this pool. What was answered is kept; raise it to go on"
                    )
                await self._changed.wait()
            self._held, self._holders = self._held + most, self._holders + 1
        paid: list[float] = []
        try:
            yield paid
        finally:
            async with self._changed:
                self._held, self._holders = self._held - most, self._holders - 1
                self._spent += sum(paid)
                self._changed.notify_all()
