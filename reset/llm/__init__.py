"""Asking a language model behind an OpenAI-compatible server: what is asked, what comes back, what it costs."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reset.errors import ResetError, nearest


@dataclass(frozen=True)
class Question:
    """One request: its four parts are its identity, so equal questions are asked once, ever."""

    judge: str  # row of `judges` in params.yaml
    model: str
    prompt: str
    decoding: str  # the request's other fields as JSON with sorted keys

    @cached_property
    def key(self) -> str:
        """SHA-256 over all four parts."""
        parts = json.dumps([self.judge, self.model, self.prompt, self.decoding], ensure_ascii=False)
        return hashlib.sha256(parts.encode()).hexdigest()

    @property
    def body(self) -> dict[str, Any]:
        """The JSON body of a chat completion."""
        messages = [{"role": "user", "content": self.prompt}]
        return {"model": self.model, "messages": messages, **json.loads(self.decoding)}

    @property
    def max_tokens(self) -> int:
        """How many tokens the reply may have."""
        return int(json.loads(self.decoding)["max_tokens"])


@dataclass(frozen=True)
class Reply:
    """What came back, raw; token counts are the server's own, null where it gives none."""

    text: str
    finish_reason: str | None
    served_model: str | None  # the exact version that answered
    fingerprint: str | None  # the server's configuration, where it says so
    prompt_tokens: int | None
    completion_tokens: int | None
    seconds: float  # of the attempt that succeeded
    attempts: int
    batch: bool = False


@dataclass(frozen=True)
class Failure:
    """Why a question has no reply; `error` is the server's own word, if it had one."""

    reason: str
    error: str | None = None


class Server(BaseModel):
    """How to reach a server and how hard to press it (`judges.<name>.options.server` in params.yaml)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str
    concurrency: int = Field(ge=1)  # requests in flight
    timeout_s: float = Field(gt=0)  # of one attempt
    max_retries: int = Field(ge=0)
    requests_per_minute: int | None = Field(ge=1)
    tokens_per_minute: int | None = Field(ge=1)
    reply_format: str = Field(pattern="^(text|json_schema|regex)$")  # the last two: structured output
    batch_poll_s: float | None = Field(gt=0)  # null: ask at once; else OpenAI's Batch API, looked at so often
    prices_usd: dict[str, tuple[float, float]]  # model -> per million prompt tokens, per million reply tokens
    max_cost_usd: float | None = Field(ge=0)  # of one pool under one judge, all runs together

    def usd(self, model: str, prompt_tokens: int, completion_tokens: int, *, batch: bool = False) -> float | None:
        """Price of a request; null where the model has none."""
        if model not in self.prices_usd:
            return None
        per_prompt, per_reply = self.prices_usd[model]
        return (prompt_tokens * per_prompt + completion_tokens * per_reply) / 1e6 * (0.5 if batch else 1.0)


def settings(options: dict[str, Any], *, judge: str, models: list[str]) -> Server:
    """Check `options`; `ResetError` names each key that is wrong, and a model without a price under a limit."""
    where = f"judges.{judge}.options.server"
    try:
        found = Server.model_validate(options)
    except ValidationError as error:
        problems = [f"{where}.{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        raise ResetError("params.yaml: " + "; ".join(problems)) from error
    for model in models:
        if found.max_cost_usd is not None and model not in found.prices_usd:
            known = nearest(model, found.prices_usd)
            raise ResetError(f"params.yaml: {where}.max_cost_usd is set, but prices_usd lacks '{model}'. {known}")
    return found
