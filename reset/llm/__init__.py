"""Questions to a language model behind an OpenAI-compatible server: requests, replies, settings and prices."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reset.errors import ResetError, nearest


@dataclass(frozen=True)
class Question:
    """One request. Its four fields are the cache key of its reply: equal questions are sent only once, ever."""

    judge: str  # row of `judges` in params.yaml
    model: str
    prompt: str
    decoding: str  # the request's other fields as JSON with sorted keys

    @cached_property
    def key(self) -> str:
        """SHA-256 of the four fields."""
        fields = json.dumps([self.judge, self.model, self.prompt, self.decoding], ensure_ascii=False)
        return hashlib.sha256(fields.encode()).hexdigest()

    @property
    def body(self) -> dict[str, Any]:
        """The JSON body of a chat completion."""
        messages = [{"role": "user", "content": self.prompt}]
        return {"model": self.model, "messages": messages, **json.loads(self.decoding)}

    @property
    def max_tokens(self) -> int:
        """Maximum tokens of the reply."""
        return int(json.loads(self.decoding)["max_tokens"])


@dataclass(frozen=True)
class Reply:
    """The raw reply; token counts are those of the server, null where it sends none."""

    text: str
    finish_reason: str | None
    served_model: str | None  # the exact version that answered
    fingerprint: str | None  # the server's `system_fingerprint`, if it sends one
    prompt_tokens: int | None
    completion_tokens: int | None
    seconds: float  # duration of the attempt that succeeded
    attempts: int
    batch: bool = False


@dataclass(frozen=True)
class Failure:
    """Why a question has no reply; `error` is the message of the server, if there is one."""

    reason: str
    error: str | None = None


class Server(BaseModel):
    """Address, limits and prices of a server (`judges.<name>.options.server` in params.yaml)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str
    concurrency: int = Field(ge=1)  # requests in flight
    timeout_s: float = Field(gt=0)  # per attempt
    max_retries: int = Field(ge=0)
    requests_per_minute: int | None = Field(ge=1)
    tokens_per_minute: int | None = Field(ge=1)
    reply_format: str = Field(pattern="^(text|json_schema|regex)$")  # the last two: structured output
    batch_poll_s: float | None = Field(gt=0)  # null: normal requests; else the polling interval of OpenAI's Batch API
    prices_usd: dict[str, tuple[float, float]]  # model -> per million prompt tokens, per million reply tokens
    max_cost_usd: float | None = Field(ge=0)  # per pool and judge, over all runs

    def usd(self, model: str, prompt_tokens: int, completion_tokens: int, *, batch: bool = False) -> float | None:
        """Return the price of a request; None if the model has no price."""
        if model not in self.prices_usd:
            return None
        per_prompt, per_reply = self.prices_usd[model]
        return (prompt_tokens * per_prompt + completion_tokens * per_reply) / 1e6 * (0.5 if batch else 1.0)


def settings(options: dict[str, Any], *, judge: str, models: list[str]) -> Server:
    """Validate `options`; `ResetError` lists every wrong key, or a model without a price if `max_cost_usd` is set."""
    where = f"judges.{judge}.options.server"
    try:
        server = Server.model_validate(options)
    except ValidationError as error:
        problems = [f"{where}.{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        raise ResetError("params.yaml: " + "; ".join(problems)) from error
    for model in models:
        if server.max_cost_usd is not None and model not in server.prices_usd:
            suggestion = nearest(model, server.prices_usd)
            raise ResetError(f"params.yaml: {where}.max_cost_usd is set, but prices_usd lacks '{model}'. {suggestion}")
    return server
