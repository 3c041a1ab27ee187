"""An OpenAI-compatible server on the loopback with a fixed latency and declared faults; a process of its own.

Which attempt at which prompt meets which fault is decided by a hash, so that every run meets the same ones.
It counts what it was asked, what it answered and what it answered more than once: GET /counts.
"""

import argparse
import asyncio
import hashlib
import json
import time
from collections import Counter

FAULTS = {"429": 1.0, "500": 1.0, "broken": 1.0, "time-out": 0.25}  # in shares of the rate


class Faulty:
    """`rate` of the first attempts meet each fault, a quarter of it a time-out; second attempts are answered."""

    def __init__(self, latency_s: float, rate: float, hang_s: float) -> None:
        self._latency_s, self._rate, self._hang_s = latency_s, rate, hang_s
        self._attempts, self._answered = Counter[str](), Counter[str]()
        self._met, self._busy_s = Counter[str](), 0.0

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection, one after the other."""
        try:
            while line := await reader.readline():
                length = 0
                while (header := await reader.readline()).strip():
                    name, _, value = header.decode().partition(":")
                    length = int(value) if name.lower() == "content-length" else length
                body = await reader.readexactly(length)
                if line.startswith(b"GET"):
                    await self._say(writer, 200, json.dumps(self._counts()).encode())
                else:
                    await self._answer(writer, json.loads(body)["messages"][0]["content"])
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client gave up
        finally:
            writer.close()

    def _counts(self) -> dict[str, object]:
        twice = sum(count - 1 for count in self._answered.values())
        return {
            "asked": self._attempts.total(),
            "answered": len(self._answered),
            "answered_twice": twice,
            "faults": dict(self._met),
            "busy_s": self._busy_s,
        }

    def _fault(self, prompt: str) -> str | None:
        self._attempts[prompt] += 1
        if self._attempts[prompt] > 1:
            return None
        drawn = int(hashlib.sha256(prompt.encode()).hexdigest()[:12], 16) / 16**12
        for fault, share in FAULTS.items():
            drawn -= share * self._rate
            if drawn < 0:
                return fault
        return None

    async def _answer(self, writer: asyncio.StreamWriter, prompt: str) -> None:
        fault = self._fault(prompt)
        self._met[fault or "none"] += 1
        started = time.monotonic()
        await asyncio.sleep(self._hang_s if fault == "time-out" else self._latency_s)
        self._busy_s += time.monotonic() - started
        if fault in ("429", "500"):
            await self._say(writer, int(fault), b'{"error": {"message": "as declared"}}', "Retry-After: 1\r\n")
        elif fault == "broken":
            await self._say(writer, 200, b'{"id": "1", "choices": [{"mess')
        elif fault is None:
            self._answered[prompt] += 1
            choices = [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "[[7]]"}}]
            usage = {"prompt_tokens": 300, "completion_tokens": 5}
            reply = {"id": "1", "object": "chat.completion", "model": "faulty-1", "choices": choices, "usage": usage}
            await self._say(writer, 200, json.dumps(reply).encode())

    async def _say(self, writer: asyncio.StreamWriter, status: int, payload: bytes, more: str = "") -> None:
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(payload)}\r\n{more}\r\n"
        writer.write(head.encode() + payload)
        await writer.drain()


async def serve(options: argparse.Namespace) -> None:
    """Listen on a free port, print it, and serve until killed."""
    faulty = Faulty(options.latency_s, options.rate, options.hang_s)
    server = await asyncio.start_server(faulty.connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("latency-s", "rate", "hang-s"):
        parser.add_argument(f"--{name}", type=float, required=True)
    asyncio.run(serve(parser.parse_args()))
