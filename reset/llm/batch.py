"""OpenAI's Batch API: many questions in one file, answered within a day at half the price.

Submitted batches are recorded in the ledger, so that a killed run waits for them instead of paying again. Questions
without a reply (failed lines, an expired batch) are submitted again, up to `max_retries` times.
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

_MAX_REQUESTS = 50_000  # OpenAI's limit of requests per file
_MAX_BYTES = 190_000_000  # per file; OpenAI's limit is 200 MB
_ENDED = ("completed", "failed", "expired", "cancelled")


async def ask(
    client: "AsyncOpenAI", questions: Sequence[Question], server: Server, ledger: Ledger, *, judge: str, pool: str
) -> dict[str, Reply | Failure]:
    """Submit `questions`, wait, and collect the replies; first those to open batches of an earlier run.

    Raises `ResetError` for a batch that the server refuses as a whole, and if `max_cost_usd` does not allow all.
    """
    replies: dict[str, Reply | Failure] = {}
    over_budget = False
    for attempt in range(1, server.max_retries + 3):
        for file_id, batch_id, payer in ledger.open_batches(judge, server.base_url):
            batch = await _wait_for(client, file_id, batch_id, server, ledger)
            submitted = await _read_questions(client, file_id, judge)
            replies |= await _store_replies(client, batch, submitted, server, ledger, pool=payer, attempt=attempt)
            ledger.taken_in(file_id)
        unanswered = [question for question in questions if not ledger.get(question)]
        if unanswered and over_budget:
            raise ResetError(
                f"max_cost_usd = {server.max_cost_usd} leaves no room for another request; raise it to go on"
            )
        if not unanswered or attempt > server.max_retries + 1:
            break
        affordable = _affordable(unanswered, server, ledger, judge, pool)
        over_budget = len(affordable) < len(unanswered)
        for lines in filter(None, _split_into_files(affordable)):
            await _submit(client, lines, server, ledger, judge=judge, pool=pool)
    no_reply = Failure("the batch gave no reply")
    return {question.key: ledger.get(question) or replies.get(question.key, no_reply) for question in questions}


def _affordable(questions: Sequence[Question], server: Server, ledger: Ledger, judge: str, pool: str) -> list[Question]:
    """Return the first questions that `max_cost_usd` allows, each at its highest possible price."""
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


def _split_into_files(questions: Sequence[Question]) -> list[list[bytes]]:
    """Return the lines of each file, within OpenAI's limits."""
    files: list[list[bytes]] = [[]]
    size = 0
    for line in map(_line, questions):
        if len(files[-1]) == _MAX_REQUESTS or size + len(line) > _MAX_BYTES:
            files.append([])
            size = 0
        files[-1].append(line)
        size += len(line)
    return files


async def _submit(
    client: "AsyncOpenAI", lines: Sequence[bytes], server: Server, ledger: Ledger, *, judge: str, pool: str
) -> None:
    file = io.BytesIO(b"".join(lines))
    uploaded = await client.files.create(file=("questions.jsonl", file), purpose="batch")
    ledger.uploaded(uploaded.id, judge=judge, pool=pool, base_url=server.base_url)
    ledger.submitted(uploaded.id, await _create(client, uploaded.id))


async def _create(client: "AsyncOpenAI", file_id: str) -> str:
    batch = await client.batches.create(input_file_id=file_id, endpoint="/v1/chat/completions", completion_window="24h")
    return str(batch.id)


async def _wait_for(client: "AsyncOpenAI", file_id: str, batch_id: str | None, server: Server, ledger: Ledger) -> Any:
    """Wait until the batch of `file_id` has ended; without a recorded id (after a kill), find or create the batch."""
    if batch_id is None:
        same = [batch.id async for batch in client.batches.list(limit=100) if batch.input_file_id == file_id]
        batch_id = same[0] if same else await _create(client, file_id)
        ledger.submitted(file_id, batch_id)
    while (batch := await client.batches.retrieve(batch_id)).status not in _ENDED:
        await asyncio.sleep(server.batch_poll_s or 0)
    if batch.status == "failed":
        ledger.taken_in(file_id)
        errors = (batch.errors.data if batch.errors else None) or []
        raise ResetError(f"{server.base_url}: batch {batch_id} failed ({errors[0].message if errors else 'no reason'})")
    return batch


async def _read_lines(client: "AsyncOpenAI", file_id: str | None) -> list[dict[str, Any]]:
    if file_id is None:
        return []
    return [json.loads(line) for line in (await client.files.content(file_id)).text.splitlines() if line.strip()]


async def _read_questions(client: "AsyncOpenAI", file_id: str, judge: str) -> dict[str, Question]:
    """Read the questions of an input file, by key."""
    questions = {}
    for line in await _read_lines(client, file_id):
        body = line["body"]
        model, messages = body.pop("model"), body.pop("messages")
        questions[line["custom_id"]] = Question(judge, model, messages[0]["content"], json.dumps(body, sort_keys=True))
    return questions


async def _store_replies(
    client: "AsyncOpenAI",
    batch: Any,
    submitted: Mapping[str, Question],
    server: Server,
    ledger: Ledger,
    *,
    pool: str,
    attempt: int,
) -> dict[str, Reply | Failure]:
    """Store the replies of an ended batch in the ledger; return replies and failures by key."""
    replies: dict[str, Reply | Failure] = {}
    lengths = Lengths(ledger)
    for line in [*await _read_lines(client, batch.output_file_id), *await _read_lines(client, batch.error_file_id)]:
        question, response = submitted[line["custom_id"]], line.get("response") or {}
        if response.get("status_code") != 200:
            error = line.get("error") or response.get("body") or {}
            replies[question.key] = Failure(f"the batch failed it (status {response.get('status_code')})", str(error))
            continue
        try:
            reply = read(json.dumps(response["body"]).encode(), seconds=0.0, attempts=attempt, batch=True)
        except Broken as error:
            replies[question.key] = Failure("the reply was no chat completion", str(error))
            continue
        replies[question.key] = reply
        if not ledger.get(question):
            usd = charge(question, reply, server, lengths)
            ledger.put(question, reply, pool=pool, base_url=server.base_url, usd=usd)
    return replies
