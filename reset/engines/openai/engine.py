"""Engine `openai`: answers from any OpenAI-compatible server, or many: a vLLM on another machine.

Each answer is one request to the completions endpoint, which takes the prompt as the very token ids that the other
engines read, so no chat template of the server comes between. The server must offer the model under the path of its
folder ("models/mtl"; vLLM does where it is started with that path), so that no system is mistaken for another.
"""

import asyncio
import logging
import os
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
from reset.llm.wire import Broken
from reset.model.tokens import answer_text, load_tokenizer

log = logging.getLogger(__name__)


class _Logprobs(BaseModel):
    token_logprobs: list[float]


class _Choice(BaseModel):
    text: str
    finish_reason: str | None
    logprobs: _Logprobs | None = None
    token_ids: list[int] | None = None  # vLLM's, where `return_token_ids` is among the fields
    prompt_token_ids: list[int] | None = None


class _Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int


class _Reply(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage


class OpenAIEngine:
    """`concurrency` requests are in flight at each of `base_urls`; `timeout_s` is of one attempt.

    All answers to a prompt go to one server, which then reads the prompt once; another attempt goes to the next server.
    `fields` go into every request beside OpenAI's own. The key, where a server wants one, is OPENAI_API_KEY.
    """

    def __init__(
        self,
        *,
        model: Path,
        base_urls: list[str],
        concurrency: int,
        timeout_s: float,
        max_retries: int,
        fields: dict[str, Any],
    ) -> None:
        if not base_urls or concurrency < 1 or timeout_s <= 0 or max_retries < 0:
            raise ResetError(
                "Engine 'openai' needs an address in base_urls, concurrency and timeout_s above 0, max_retries from 0 "
                f"(they are {base_urls}, {concurrency}, {timeout_s:g}, {max_retries})"
            )
        self._tokenizer = load_tokenizer(model)
        self._model, self._base_urls, self._fields = str(model), base_urls, fields
        self._timeout_s = timeout_s
        self._limits: dict[str, Any] = {
            "concurrency": concurrency * len(base_urls),
            "timeout_s": timeout_s,
            "max_retries": max_retries,
        }

    def generate(self, requests: Sequence[Request]) -> Iterator[Completion]:
        """Yield one completion per request as they come; `mean_logprob` is None where the server tells none.

        Raises `ResetError` where the server cannot be used, or does not read the prompt as it is sent.
        """
        for request, got in self._replies(requests):
            yield self._completion(request, got)

    def seen(self, requests: Sequence[Request]) -> list[list[int]]:
        """Return the ids that the server reports as the prompt of each request; `ResetError` where it reports none."""
        found: dict[str, list[int]] = {}
        for request, got in self._replies(requests):
            if isinstance(got, Failure):
                raise ResetError(f"{self._where}: {got.reason} ({got.error})")
            if (ids := got.choices[0].prompt_token_ids) is None:
                raise ResetError(
                    f"{self._where}: the server does not say which prompt it read (vLLM's return_token_ids)"
                )
            found[request.answer_id] = ids
        return [found[request.answer_id] for request in requests]

    @property
    def _where(self) -> str:
        return ", ".join(self._base_urls)

    def _replies(self, requests: Sequence[Request]) -> Iterator[tuple[Request, _Reply | Failure]]:
        """Drive the event loop from one reply to the next."""
        with asyncio.Runner() as runner:
            replies = self._ask(requests)

            async def following() -> tuple[Request, _Reply | Failure] | None:
                return await anext(replies, None)

            while (got := runner.run(following())) is not None:
                yield got

    async def _ask(self, requests: Sequence[Request]) -> AsyncIterator[tuple[Request, _Reply | Failure]]:
        asking = Asking(self._where, **self._limits)
        async with AsyncExitStack() as stack:
            options: dict[str, Any] = {"timeout": self._timeout_s, "max_retries": 0}
            options["api_key"] = os.environ.get("OPENAI_API_KEY", "none")
            clients = [
                await stack.enter_async_context(openai.AsyncOpenAI(base_url=url, **options)) for url in self._base_urls
            ]

            async def one(request: Request) -> tuple[Request, _Reply | Failure | None]:
                return request, await asking.ask(self._model, partial(self._send, clients, request))

            for task in asyncio.as_completed([asyncio.create_task(one(request)) for request in requests]):
                request, got = await task
                if got is not None:
                    yield request, got
        asking.check()

    async def _send(self, clients: Sequence[openai.AsyncOpenAI], request: Request, attempt: int) -> _Reply:
        """Send one request to the server of its prompt, or on a later attempt to the next one."""
        ids = list(request.token_ids)
        client = clients[(zlib.crc32(repr(ids).encode()) + attempt) % len(clients)]
        top_k = {"top_k": request.top_k} if request.top_k else {}
        async with asyncio.timeout(self._timeout_s):  # the client's own limit is per piece of the body
            response = await client.completions.with_raw_response.create(
                model=self._model,
                prompt=ids,
                max_tokens=request.max_tokens,
                temperature=request.temperature,
                top_p=1.0,
                seed=request.seed,
                logprobs=0,  # of the chosen token alone
                extra_body={**self._fields, **top_k},
            )
            content = response.http_response.content
        try:
            reply = _Reply.model_validate_json(content)
        except ValidationError as error:
            raise Broken(content[:200].decode(errors="replace")) from error
        if reply.usage.prompt_tokens != len(ids):
            read = f"read a prompt of {len(ids)} tokens as {reply.usage.prompt_tokens}"
            raise ResetError(f"{client.base_url}: the server {read}; its answers would be to other prompts")
        return reply

    def _completion(self, request: Request, got: _Reply | Failure) -> Completion:
        if isinstance(got, Failure):
            log.warning("%s: %s (%s)", request.answer_id, got.reason, got.error)
            return Completion(request.answer_id, "", 0, f"error: {got.reason}", None)
        said = got.choices[0]
        if said.finish_reason not in ("stop", "length"):
            return Completion(request.answer_id, "", 0, f"error: the server ended with {said.finish_reason}", None)
        if said.finish_reason == "length" and got.usage.completion_tokens < request.max_tokens:  # vLLM lowers the limit
            return Completion(request.answer_id, "", 0, "error: prompt and answer exceed the server's length", None)
        ids = said.token_ids  # read by our tokenizer where known, so that all engines make text in one place
        text = said.text if ids is None else answer_text(self._tokenizer, ids)
        mean = fmean(said.logprobs.token_logprobs) if said.logprobs and said.logprobs.token_logprobs else None
        return Completion(request.answer_id, text, got.usage.completion_tokens, said.finish_reason, mean)
