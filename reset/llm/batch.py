"""OpenAI's Batch API: many questions in one file, answered within a day at half the price.

Submitted batches are recorded in the ledger, so that a killed run waits for them instead of paying again. Lines whose
fault passes (an expired batch, a busy server) are submitted again, up to `max_retries` times.
"""

import json
import logging
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reset.errors import ResetError
from reset.llm import Failure, Question, Reply, Server
from reset.llm.asking import FEW
from reset.llm.batch_api import BatchApi
from reset.llm.budget import Lengths, charge
from reset.llm.faults import Fault, Meaning, fault, refusal
from reset.llm.key import one_line
from reset.llm.ledger import Ledger
from reset.llm.wire import Broken, ErrorBody, problem, read

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_MAX_REQUESTS = 50_000  # OpenAI's limit of requests per file
_MAX_BYTES = 190_000_000  # per file; OpenAI's limit is 200 MB

log = logging.getLogger(__name__)


async def ask(
    client: "AsyncOpenAI", questions: Sequence[Question], server: Server, ledger: Ledger, *, judge: str, pool: str
) -> dict[str, Reply | Failure]:
    """Submit `questions`, wait, and collect the replies; first those to open batches of an earlier run.

    Raises `ResetError` for what the server refuses as a whole, and if `max_cost_usd` does not allow all.
    """
    run = _Run(BatchApi(client, server), server, ledger, judge)
    over_budget = False
    for attempt in range(1, server.max_retries + 3):
        for file_id, batch_id, payer in ledger.open_batches(judge, server.base_url):
            await run.take_in(file_id, batch_id, payer, attempt)
        unanswered = [question for question in questions if run.is_open(question)]
        if unanswered and over_budget:
            raise ResetError(
                f"max_cost_usd = {server.max_cost_usd} leaves no room for another request; raise it to go on"
            )
        if not unanswered or attempt > server.max_retries + 1:
            break
        affordable = _affordable(unanswered, server, ledger, judge, pool)
        over_budget = len(affordable) < len(unanswered)
        for lines in filter(None, _split_into_files(affordable)):
            await run.submit(lines, pool)
    no_reply = Failure("the batch gave no reply")
    return {
        question.key: ledger.get(question, server.base_url) or run.failures.get(question.key, no_reply)
        for question in questions
    }


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


class _Run:
    """The batches of one judge; `failures` holds the questions that got no reply, by key."""

    def __init__(self, api: BatchApi, server: Server, ledger: Ledger, judge: str) -> None:
        self._api, self._server, self._ledger, self._judge = api, server, ledger, judge
        self._lengths = Lengths(ledger)
        self.failures: dict[str, Failure] = {}
        self._final: set[str] = set()  # keys of questions that no other attempt would help

    def is_open(self, question: Question) -> bool:
        """Whether a question has neither a reply nor a failure that is final."""
        return question.key not in self._final and not self._ledger.get(question, self._server.base_url)

    async def submit(self, lines: Sequence[bytes], pool: str) -> None:
        """Upload a file of questions and create its batch."""
        file_id = await self._api.upload(b"".join(lines))
        self._ledger.uploaded(file_id, judge=self._judge, pool=pool, base_url=self._server.base_url)
        self._ledger.submitted(file_id, await self._api.create(file_id, find=False))

    async def take_in(self, file_id: str, batch_id: str | None, pool: str, attempt: int) -> None:
        """Wait for a batch, store its replies, and forget it; after a kill it may have no recorded id, or not exist."""
        if batch_id is None:
            batch_id = await self._api.create(file_id, find=True)
            self._ledger.submitted(file_id, batch_id)
        forget = f"if it belongs to another key, use that; if it is gone, `reset-lm ledger --forget-batch {batch_id}`"
        batch = await self._api.ended(batch_id, forget)
        if batch.status == "failed":
            self._ledger.taken_in(file_id)
            errors = (batch.errors.data if batch.errors else None) or []
            reason = one_line(str(errors[0].message)) if errors else "no reason given"
            raise ResetError(f"{self._server.base_url}: batch {batch_id} failed ({reason})")
        submitted = _questions(await self._api.lines(file_id, forget), self._judge)
        files = (getattr(batch, f"{kind}_file_id", None) for kind in ("output", "error"))
        lines = [line for file in files for line in await self._api.lines(file, forget)]
        faults = self._store(batch_id, lines, submitted, pool, attempt)
        self._ledger.taken_in(file_id)
        self._check(faults, answered=len(faults) < len(lines))

    def _store(
        self,
        batch_id: str,
        lines: Sequence[Mapping[str, Any]],
        submitted: Mapping[str, Question],
        pool: str,
        attempt: int,
    ) -> list[tuple[Question, Fault]]:
        """Store the replies of a batch in the ledger; record the failures and return their faults."""
        faults = []
        known = [
            (submitted[str(line.get("custom_id"))], line) for line in lines if str(line.get("custom_id")) in submitted
        ]
        if len(known) < len(lines):
            log.warning("batch %s answers %d questions that it was not asked", batch_id, len(lines) - len(known))
        for question, line in known:
            outcome = _outcome(line, attempt)
            if isinstance(outcome, Reply):
                if not self._ledger.get(question, self._server.base_url):
                    usd = charge(question, outcome, self._server, self._lengths)
                    self._ledger.put(question, outcome, pool=pool, base_url=self._server.base_url, usd=usd)
                continue
            faults.append((question, outcome))
            reason = outcome.reason if outcome.status is None else f"the batch failed it (status {outcome.status})"
            self.failures[question.key] = Failure(reason, outcome.words)
            if outcome.meaning is not Meaning.PASSING:
                self._final.add(question.key)
        return faults

    def _check(self, faults: Sequence[tuple[Question, Fault]], *, answered: bool) -> None:
        """Raise `ResetError` if a batch shows that the account, or the form of every request, is at fault."""
        for question, found in faults:
            alike = sum(other.kind == found.kind for _, other in faults)
            whole = not answered and (found.meaning is Meaning.FORM or alike >= FEW)
            if found.meaning is Meaning.ACCOUNT or (whole and found.meaning is not Meaning.PASSING):
                raise ResetError(f"{self._server.base_url}: cannot use model '{question.model}' ({found})")


def _questions(lines: Sequence[Mapping[str, Any]], judge: str) -> dict[str, Question]:
    """Return the questions of an input file, by key."""
    questions = {}
    for line in lines:
        body = dict(line["body"])
        model, messages = body.pop("model"), body.pop("messages")
        questions[line["custom_id"]] = Question(judge, model, messages[0]["content"], json.dumps(body, sort_keys=True))
    return questions


def _outcome(line: Mapping[str, Any], attempt: int) -> Reply | Fault:
    """Return the reply on a line of a batch's results, or what went wrong."""
    response = line.get("response")
    response = response if isinstance(response, dict) else {}
    status, said = response.get("status_code"), problem(json.dumps(response.get("body") or line.get("error") or {}))
    if not isinstance(status, int):
        return Fault(Meaning.PASSING, "the batch gave no reply", said.words)
    if status != 200:
        return refusal(status, said, {}, math.inf)
    try:
        return read(json.dumps(response.get("body")).encode(), seconds=0.0, attempts=attempt, batch=True)
    except (Broken, ErrorBody) as error:
        return fault(error, 0.0, math.inf)
