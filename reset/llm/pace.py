"""Rate limits per minute, for requests or tokens, spread evenly over the minute."""

import asyncio
from collections.abc import Awaitable, Callable

_IDLE_CREDIT_S = 0.5  # idle time that may be caught up, as the event loop can be late


class Pace:
    """Delays callers to at most `per_minute`, in the order of their calls; None means no limit."""

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
