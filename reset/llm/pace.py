"""Limits per minute: requests, or tokens, spread evenly, so that no minute holds more than is allowed."""

import asyncio
from collections.abc import Awaitable, Callable

_IDLE_CREDIT_S = 0.5  # so much of an idle time may be caught up with, which a late event loop needs


class Pace:
    """Gives each amount its turn; `per_minute` None means no limit."""

    def __init__(self, per_minute: float | None, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        self._per_minute, self._sleep = per_minute, sleep
        self._next = float("-inf")

    async def wait(self, amount: float = 1.0) -> None:
        """Return when `amount` more may be used."""
        if self._per_minute is None:
            return
        now = asyncio.get_running_loop().time()
        turn = max(self._next, now - _IDLE_CREDIT_S)
        self._next = turn + amount * 60.0 / self._per_minute
        if turn > now:
            await self._sleep(turn - now)
