"""OpenAI's Batch API: many questions in one file, answered within a day at half the price.

What was submitted stands in the ledger, so that a run that was killed goes on waiting instead of paying again. What a
batch did not answer (failed lines, an expired batch) is submitted again, up to `max_retries` times.
"""

import asyncio
import io
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reset.errors import ResetError
from reset.llm import Failure, Question, Reply, Server
from reset.llm.budget import Lengths, charge
from reset.llm.ledger import Ledger
from reset.llm.wire import Broken, read

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_MOST = 50_000  # requests in a file, OpenAI's limit
_MOST_BYTES = 190_000_000  # of a file; OpenAI's limit is 200 MB
_OVER = ("completed", "failed", "expired", "cancelled")


async def ask(
    client: "AsyncOpenAI", questions: Sequence[Question], server: Server, ledger: Ledger, *, judge: str, pool: str
) -> dict[str, Reply | Failure]:
    """Submit `questions`, wait, and take the replies in; first those of batches that an earlier run left behind.

    Raises `ResetError` for a batch that the server refuses as a whole, and where `max_cost_usd` leaves no room.
    """
    found: dict[str, Reply | Failure] = {}
    short = False
    for attempt in range(1, server.max_retries + 3):
        for file_id, batch_id, payer in ledger.open_batches(judge, server.base_url):
            batch = await _finished(client, file_id, batch_id, server, ledger)
            asked = await _asked(client, file_id, judge)
            found |= await _take_in(client, batch, asked, server, ledger, pool=payer, attempt=attempt)
            ledger.taken_in(file_id)
        left = [question for question in questions if not ledger.get(question)]
        if left and short:
            raise ResetError(
                f"max_cost_usd = {server.max_cost_usd} leaves no room for another request; raise it to go on"
            )
        if not left or attempt > server.max_retries + 1:
            break
        chosen = _affordable(left, server, ledger, judge, pool)
        short = len(chosen) < len(left)
        for part in filter(None, _parts(chosen)):
            await _submit(client, part, server, ledger, judge=judge, pool=pool)
    silent = Failure("the batch gave no reply")
    return {one.key: ledger.get(one) or found.get(one.key, silent) for one in questions}


def _affordable(questions: Sequence[Question], server: Server, ledger: Ledger, judge: str, pool: str) -> list[Question]:
    """As many of `questions` as the limit has room for at their highest price."""
    room = float("inf") if server.max_cost_usd is None else server.max_cost_usd - ledger.spent(judge, pool)
    chosen, lengths = [], Lengths(ledger)
    for question in questions:
        room -= server.usd(question.model, round(lengths.prompt(question)), question.max_tokens, batch=True) or 0.0
        if room < 0:
            break
        chosen.append(question)
    return chosen


def _line(question: Question) -> bytes:
    request = {"custom_id": question.key, "method": "POST", "url": "/v1/chat/completions", "body": question.body}
    return (json.dumps(request) + "\n").encode()


def _parts(questions: Sequence[Question]) -> list[list[bytes]]:
    """Lines of one file each."""
    parts: list[list[bytes]] = [[]]
    size = 0
    for line in map(_line, questions):
        if len(parts[-1]) == _MOST or size + len(line) > _MOST_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(line)
        size += len(line)
    return parts


async def _submit(
    client: "AsyncOpenAI", lines: Sequence[bytes], server: Server, ledger: Ledger, *, judge: str, pool: str
) -> None:
    file = io.BytesIO(b"".join(lines))
    uploaded = await client.files.create(file=("questions.jsonl", file), purpose="batch")
    ledger.uploaded(uploaded.id, judge=judge, pool=pool, base_url=server.base_url)
    ledger.submitted(uploaded.id, await _create(client, uploaded.id))


async def _create(client: "AsyncOpenAI", file_id: str) -> str:
    made = await client.batches.create(input_file_id=file_id, endpoint="/v1/chat/completions", completion_window="24h")
    return str(made.id)


async def _finished(client: "AsyncOpenAI", file_id: str, batch_id: str | None, server: Server, ledger: Ledger) -> Any:
    """Wait until the batch of `file_id` is over; one that was lost between upload and note is found or made."""
    if batch_id is None:
        same = [batch.id async for batch in client.batches.list(limit=100) if batch.input_file_id == file_id]
        batch_id = same[0] if same else await _create(client, file_id)
        ledger.submitted(file_id, batch_id)
    while (batch := await client.batches.retrieve(batch_id)).status not in _OVER:
        await asyncio.sleep(server.batch_poll_s or 0)
    if batch.status == "failed":
        ledger.taken_in(file_id)
        errors = (batch.errors.data if batch.errors else None) or []
        raise ResetError(f"{server.base_url}: batch {batch_id} failed ({errors[0].message if errors else 'no reason'})")
    return batch


async def _content(client: "AsyncOpenAI", file_id: str | None) -> list[dict[str, Any]]:
    if file_id is None:
        return []
    return [json.loads(line) for line in (await client.files.content(file_id)).text.splitlines() if line.strip()]


async def _asked(client: "AsyncOpenAI", file_id: str, judge: str) -> dict[str, Question]:
    """The questions of an input file, by their key."""
    found = {}
    for line in await _content(client, file_id):
        body = line["body"]
        model, messages = body.pop("model"), body.pop("messages")
        found[line["custom_id"]] = Question(judge, model, messages[0]["content"], json.dumps(body, sort_keys=True))
    return found


async def _take_in(
    client: "AsyncOpenAI",
    batch: Any,
    asked: Mapping[str, Question],
    server: Server,
    ledger: Ledger,
    *,
    pool: str,
    attempt: int,
) -> dict[str, Reply | Failure]:
    """Keep the replies of a finished batch; lines that failed are failures until they are asked again."""
    found: dict[str, Reply | Failure] = {}
    lengths = Lengths(ledger)
    for line in [*await _content(client, batch.output_file_id), *await _content(client, batch.error_file_id)]:
        question, response = asked[line["custom_id"]], line.get("response") or {}
        if response.get("status_code") != 200:
            error = line.get("error") or response.get("body") or {}
            found[question.key] = Failure(f"the batch failed it (status {response.get('status_code')})", str(error))
            continue
        try:
            reply = read(json.dumps(response["body"]).encode(), seconds=0.0, attempts=attempt, batch=True)
        except Broken as error:
            found[question.key] = Failure("the reply was no chat completion", str(error))
            continue
        found[question.key] = reply
        if not ledger.get(question):
            usd = charge(question, reply, server, lengths)
            ledger.put(question, reply, pool=pool, base_url=server.base_url, usd=usd)
    return found
