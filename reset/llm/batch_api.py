"""Calls of OpenAI's Batch API. A passing fault is retried, any other is a `ResetError` of one line."""

import asyncio
import io
import json
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from reset.errors import ResetError
from reset.llm import Server
from reset.llm.asking import FAULTS, backoff
from reset.llm.faults import Fault, Meaning, fault
from reset.llm.key import one_line

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_ENDED = ("completed", "failed", "expired", "cancelled")

FILE_S = 3600.0  # time limit for the transfer of a file

log = logging.getLogger(__name__)


class BatchApi:
    """The files and batches of the account that a client belongs to."""

    def __init__(self, client: "AsyncOpenAI", server: Server) -> None:
        self._client, self._server = client, server

    async def upload(self, content: bytes) -> str:
        """Upload a file of requests; return its id."""

        def send() -> Awaitable[Any]:
            return self._client.files.create(file=("questions.jsonl", io.BytesIO(content)), purpose="batch")

        return str((await self._call("upload a file of questions", send, needs="id")).id)

    async def create(self, file_id: str, *, find: bool) -> str:
        """Create the batch of an uploaded file and return its id; with `find`, take the one that exists if any does."""
        look = find

        async def send() -> Any:
            nonlocal look
            if look:
                async for batch in self._client.batches.list(limit=100):
                    if batch.input_file_id == file_id:
                        return batch
            look = True  # an attempt whose reply was lost may have created it
            return await self._client.batches.create(
                input_file_id=file_id, endpoint="/v1/chat/completions", completion_window="24h"
            )

        return str((await self._call(f"create the batch of file {file_id}", send, needs="id")).id)

    async def ended(self, batch_id: str, forget: str) -> Any:
        """Wait until a batch has ended, and return it; `forget` names it in a message."""
        while True:
            what = f"find batch {batch_id}"
            batch = await self._call(what, lambda: self._client.batches.retrieve(batch_id), needs="status", hint=forget)
            if batch.status in _ENDED:
                return batch
            await asyncio.sleep(self._server.batch_poll_s or 0)

    async def lines(self, file_id: str | None, forget: str) -> list[dict[str, Any]]:
        """Return the JSON objects on the lines of a file; other lines are left out with a warning.

        Raises `ResetError` if there are only others: what was paid for must be read another time.
        """
        if file_id is None:
            return []
        what = f"read file {file_id}"
        content = await self._call(what, lambda: self._client.files.content(file_id), needs="text", hint=forget)
        lines = [line for line in content.text.split("\n") if line.strip()]  # not at the breaks within a reply
        objects = [found for found in map(_parse, lines) if found is not None]
        if lines and not objects:
            raise ResetError(f"{self._where}: cannot {what} (it holds no JSON lines: {one_line(content.text)})")
        if len(objects) < len(lines):
            log.warning("%s: %d lines of file %s are no JSON objects", self._where, len(lines) - len(objects), file_id)
        return objects

    @property
    def _where(self) -> str:
        return f"{self._server.base_url}: Batch API"

    async def _call(self, what: str, send: Callable[[], Awaitable[Any]], *, needs: str, hint: str = "") -> Any:
        """Return the result of a call, which must have the attribute `needs`."""
        last = Fault(Meaning.PASSING, "not asked")
        limit_s = FILE_S if "file" in what else self._server.timeout_s
        for attempt in range(1, self._server.max_retries + 2):
            if attempt > 1:
                await asyncio.sleep(last.wait_s or backoff(attempt - 1))
            try:
                async with asyncio.timeout(limit_s):  # the client's own is per read
                    result = await send()
            except FAULTS as error:
                last = fault(error, limit_s, self._server.max_wait_s)
            except (AttributeError, TypeError) as error:  # the client does not check what a server sends
                last = Fault(Meaning.PASSING, "the reply has another form", one_line(str(error)))
            else:
                if getattr(result, needs, None) is not None:
                    return result
                last = Fault(Meaning.PASSING, f"the reply has no {needs}", one_line(str(result)))
            if last.meaning is not Meaning.PASSING:
                break
        more = f"; {hint}" if hint and last.status in (400, 404) else ""
        raise ResetError(f"{self._where}: cannot {what} ({last}){more}")


def _parse(line: str) -> dict[str, Any] | None:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
