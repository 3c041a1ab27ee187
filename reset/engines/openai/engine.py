"""Engine `openai`: answers from one or several OpenAI-compatible servers, such as vLLM on another machine.

Each answer is one request to the completions endpoint. The prompt is sent as the token ids that the other engines read,
so the server applies no chat template. The server must offer the model under the path of its folder ("models/mtl"; vLLM
does so when it is started with that path), so that systems are not confused.
"""

import asyncio
import logging
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import openai
from pydantic import BaseModel, Field, ValidationError

from reset.engines import Completion, Request
from reset.errors import ResetError
from reset.llm import Failure
from reset.llm.asking import Asking
from reset.llm.key import api_key
from reset.llm.size import BOUNDED
from reset.llm.wire import Broken
from reset.model.tokens import answer_text, load_tokenizer

log = logging.getLogger(__name__)


class _Logprobs(BaseModel):
    token_logprobs: list[float]


class _Choice(BaseModel):
    text: str
    finish_reason: str | None
    logprobs: _Logprobs | None = None
    token_ids: list[int] | None = None  # only from vLLM, when `fields` holds `return_token_ids`
    prompt_token_ids: list[int] | None = None


class _Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int


class _Reply(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage


class OpenAIEngine:
    """Keeps `concurrency` requests in flight at each of `base_urls`; `timeout_s` limits one attempt.

    `max_wait_s` is the longest Retry-After that is waited for. All answers to a prompt go to the same server, which can
    then cache the prompt; a retry goes to the next server. `fields` are added to the body of every request. If a server
    needs a key, it is OPENAI_API_KEY.
    """

    def __init__(
        self,
        *,
        model: Path,
        base_urls: list[str],
        concurrency: int,
        timeout_s: float,
        max_retries: int,
        max_wait_s: float,
        fields: dict[str, Any],
    ) -> None:
        if not base_urls or concurrency < 1 or min(timeout_s, max_wait_s) <= 0 or max_retries < 0:
            raise ResetError(
                "Engine 'openai' needs an address in base_urls, concurrency, timeout_s and max_wait_s above 0, and "
                f"max_retries at least 0 (they are {base_urls}, {concurrency}, {timeout_s:g}, {max_wait_s:g}, "
                f"{max_retries})"
            )
        self._tokenizer = load_tokenizer(model)
        self._model, self._base_urls, self._fields = str(model), base_urls, fields
        self._timeout_s = timeout_s
        self._limits: dict[str, Any] = {
            "concurrency": concurrency * len(base_urls),
            "timeout_s": timeout_s,
            "max_retries": max_retries,
            "max_wait_s": max_wait_s,
        }

    def generate(self, requests: Sequence[Request]) -> Iterator[Completion]:
        """Yield one completion per request as replies arrive; `mean_logprob` is None if the server sends none.

        Raises `ResetError` if the server cannot be used, or counts more or fewer prompt tokens than were sent.
        """
        for request, reply in self._replies(requests):
            yield self._completion(request, reply)

    def seen(self, requests: Sequence[Request]) -> list[list[int]]:
        """Return the prompt ids that the server reports for each request; `ResetError` if it reports none."""
        prompts: dict[str, list[int]] = {}
        for request, reply in self._replies(requests):
            if isinstance(reply, Failure):
                raise ResetError(f"{self._where}: {reply.reason} ({reply.error})")
            if (ids := reply.choices[0].prompt_token_ids) is None:
                raise ResetError(
                    f"{self._where}: the server does not report the token ids of the prompt (vLLM: return_token_ids)"
                )
            prompts[request.answer_id] = ids
        return [prompts[request.answer_id] for request in requests]

    @property
    def _where(self) -> str:
        return ", ".join(self._base_urls)

    def _replies(self, requests: Sequence[Request]) -> Iterator[tuple[Request, _Reply | Failure]]:
        """Run the event loop, yielding each reply as it arrives."""
        with asyncio.Runner() as runner:
            replies = self._ask(requests)

            async def next_reply() -> tuple[Request, _Reply | Failure] | None:
                return await anext(replies, None)

            while (reply := runner.run(next_reply())) is not None:
                yield reply

    async def _ask(self, requests: Sequence[Request]) -> AsyncIterator[tuple[Request, _Reply | Failure]]:
        asking = Asking(self._where, **self._limits, fields_at="sample.engines.openai.fields in params.yaml")
        async with AsyncExitStack() as stack:
            options: dict[str, Any] = {"timeout": self._timeout_s, "max_retries": 0}
            options["api_key"] = api_key() or "none"
            clients = [
                await stack.enter_async_context(openai.AsyncOpenAI(base_url=url, http_client=self._http(), **options))
                for url in self._base_urls
            ]

            async def ask(request: Request) -> tuple[Request, _Reply | Failure | None]:
                return request, await asking.ask(self._model, partial(self._send, clients, request))

            for task in asyncio.as_completed([asyncio.create_task(ask(request)) for request in requests]):
                request, reply = await task
                if reply is not None:
                    yield request, reply
        asking.check()

    def _http(self) -> openai.DefaultAsyncHttpxClient:
        return openai.DefaultAsyncHttpxClient(timeout=self._timeout_s, event_hooks=BOUNDED)

    async def _send(self, clients: Sequence[openai.AsyncOpenAI], request: Request, attempt: int) -> _Reply:
        """Send one request to the server that its prompt hashes to; each retry goes to the next server."""
        ids = list(request.token_ids)
        client = clients[(zlib.crc32(repr(ids).encode()) + attempt) % len(clients)]
        top_k = {"top_k": request.top_k} if request.top_k else {}
        async with asyncio.timeout(self._timeout_s):  # the client's own timeout is per read, not per request
            response = await client.completions.with_raw_response.create(
                model=self._model,
                prompt=ids,
                max_tokens=request.max_tokens,
                temperature=request.temperature,
                top_p=1.0,
                seed=request.seed,
                logprobs=0,  # only of the chosen token
                extra_body={**self._fields, **top_k},
            )
            content = response.http_response.content
        try:
            reply = _Reply.model_validate_json(content)
        except ValidationError as error:
            raise Broken(content[:200].decode(errors="replace")) from error
        if reply.usage.prompt_tokens != len(ids):
            counts = f"read a prompt of {len(ids)} tokens as {reply.usage.prompt_tokens} tokens"
            raise ResetError(f"{client.base_url}: the server {counts}; its answers would belong to another prompt")
        return reply

    def _completion(self, request: Request, reply: _Reply | Failure) -> Completion:
        if isinstance(reply, Failure):
            log.warning("%s: %s (%s)", request.answer_id, reply.reason, reply.error)
            return Completion(request.answer_id, "", 0, f"error: {reply.reason}", None)
        choice, tokens = reply.choices[0], reply.usage.completion_tokens
        if choice.finish_reason not in ("stop", "length"):
            return Completion(request.answer_id, "", 0, f"error: the server ended with {choice.finish_reason}", None)
        if choice.finish_reason == "length" and tokens < request.max_tokens:  # vLLM lowers max_tokens to what fits
            return Completion(request.answer_id, "", 0, "error: prompt and answer exceed the server's length", None)
        ids = choice.token_ids  # decoded by our tokenizer if the server sends them, as in the other engines
        text = choice.text if ids is None else answer_text(self._tokenizer, ids)
        mean = fmean(choice.logprobs.token_logprobs) if choice.logprobs and choice.logprobs.token_logprobs else None
        return Completion(request.answer_id, text, tokens, choice.finish_reason, mean)
