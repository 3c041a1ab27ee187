"""Questions to a language model behind an OpenAI-compatible server: requests, replies, settings and prices."""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from reset.errors import ResetError, nearest, unfit

LIMITS = ("max_tokens", "max_completion_tokens")  # the fields that bound a reply; servers take one of them
OWN_FIELDS = ("model", "messages", "n", "stream")  # that no parameter may change


@dataclass(frozen=True)
class Question:
    """One request. Its first four fields are the key of its reply: a server is sent equal questions only once, ever."""

    judge: str  # row of `judges` in params.yaml
    model: str
    prompt: str
    decoding: str  # the request's other fields as JSON with sorted keys
    subject: str | None = field(default=None, compare=False)  # what it is about: questions on answers to one prompt

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
    def form(self) -> str:
        """What the server must accept of the request besides the prompt: the model and the other fields."""
        return f"{self.model} {self.decoding}"

    @property
    def max_tokens(self) -> int:
        """Maximum tokens of the reply."""
        fields = json.loads(self.decoding)
        return int(next(fields[name] for name in LIMITS if name in fields))


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
    max_wait_s: float = Field(gt=0)  # the longest Retry-After that is waited for; at a longer one the run stops
    requests_per_minute: int | None = Field(ge=1)
    tokens_per_minute: int | None = Field(ge=1)
    reply_format: str = Field(pattern="^(text|json_schema|regex)$")  # the last two: structured output
    fields: dict[str, Any] = {}  # into the body of every request; null leaves out one of ours
    batch_poll_s: float | None = Field(gt=0)  # null: normal requests; else the polling interval of OpenAI's Batch API
    prices_usd: dict[str, tuple[float, float]]  # model -> per million prompt tokens, per million reply tokens
    max_cost_usd: float | None = Field(ge=0)  # per pool and judge, over all runs

    @field_validator("base_url")
    @classmethod
    def _address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"'{url}' is no address such as http://127.0.0.1:8000/v1")
        if parts.username or parts.password:
            raise ValueError("an address holds no name or password; the key comes from OPENAI_API_KEY")
        return url.rstrip("/")

    @field_validator("fields")
    @classmethod
    def _own(cls, fields: dict[str, Any]) -> dict[str, Any]:
        if taken := [name for name in fields if name in OWN_FIELDS]:
            raise ValueError(f"'{taken[0]}' is not a parameter; it may hold any other field of a request")
        return fields

    def decoding(self, plain: dict[str, Any], *, judge: str) -> str:
        """Return the fields of a request as JSON: those of `plain`, changed by `fields`.

        Raises `ResetError` if nothing is left that bounds the length, and with it the price, of a reply.
        """
        merged = {name: value for name, value in (plain | self.fields).items() if value is not None}
        if not any(isinstance(merged.get(name), int) and merged[name] > 0 for name in LIMITS):
            raise ResetError(
                f"params.yaml: judges.{judge}.options.server.fields is {self.fields}; it must leave "
                f"{' or '.join(LIMITS)} above 0, which bounds what a reply costs"
            )
        return json.dumps(merged, sort_keys=True)

    def usd(self, model: str, prompt_tokens: int, completion_tokens: int, *, batch: bool = False) -> float | None:
        """Return the price of a request; None if the model has no price."""
        if model not in self.prices_usd:
            return None
        per_prompt, per_reply = self.prices_usd[model]
        return (prompt_tokens * per_prompt + completion_tokens * per_reply) / 1e6 * (0.5 if batch else 1.0)


def settings(options: dict[str, Any], *, judge: str, models: list[str], table: str = "server") -> Server:
    """Validate `options`; `ResetError` lists every wrong key, or a model without a price if `max_cost_usd` is set.

    `table` is the judge's option that holds what is not checked yet.
    """
    where = f"judges.{judge}.options.{table}"
    try:
        server = Server.model_validate(options)
    except ValidationError as error:
        raise ResetError("params.yaml: " + "; ".join(_problem(item, where) for item in error.errors())) from error
    for model in models:
        if server.max_cost_usd is not None and model not in server.prices_usd:
            suggestion = nearest(model, server.prices_usd)
            raise ResetError(f"params.yaml: {where}.max_cost_usd is set, but prices_usd lacks '{model}'. {suggestion}")
    return server


def _problem(item: Any, where: str) -> str:
    """Describe one of pydantic's errors; a validator above names the value itself, unless it holds a password."""
    key = ".".join([where, *map(str, item["loc"])])
    return f"{key}: {item['ctx']['error']}" if item["type"] == "value_error" else unfit(item, key, Server.model_fields)
