"""Bounds the size of what a server sends, and for the synchronous client the time: hooks for an HTTP client.

A server may send without end, claim any length, or compress a small reply from a huge one. The body is read part by
part, after decompression, and given up at the bound. One part, some 64 kB as sent, may be a thousand times as large
when decompressed.
"""

import time
from typing import Any

from reset.llm.wire import Broken

LARGEST = 2**26  # bytes of a reply; a long one with log-probabilities has some millions
LARGEST_FILE = 2**32  # of a file of the Batch API: 50,000 replies


def _limit(response: Any) -> int:
    return LARGEST_FILE if "/files/" in response.request.url.path else LARGEST


def _too_large(response: Any) -> Broken:
    return Broken(f"the server sends more than {_limit(response):,} bytes")


async def _read(response: Any) -> None:
    parts, size = [], 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > _limit(response):
            raise _too_large(response)
        parts.append(part)
    response._content = b"".join(parts)  # where the client's own reading leaves it


BOUNDED: Any = {"response": [_read]}  # `event_hooks` of an asynchronous client


def bounded(seconds: float) -> Any:
    """Return `event_hooks` of a synchronous client, whose own time limit is for each part, not for all."""

    def read(response: Any) -> None:
        parts, size, end = [], 0, time.monotonic() + seconds
        for part in response.iter_bytes():
            size += len(part)
            if size > _limit(response):
                raise _too_large(response)
            if time.monotonic() > end:
                raise TimeoutError(f"no whole reply within {seconds:g} s")
            parts.append(part)
        response._content = b"".join(parts)

    return {"response": [read]}
