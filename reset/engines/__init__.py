"""Engines turn token ids into answers. All fill the same answer table; `engine` in params.yaml names the one to use."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Request:
    """One answer to compute. Temperature 0 is greedy, `top_k` 0 is off; each answer has its own `seed`."""

    answer_id: str
    token_ids: tuple[int, ...]  # the whole prompt, BOS included
    temperature: float
    top_k: int
    seed: int
    max_tokens: int


@dataclass(frozen=True)
class Completion:
    """One answer from an engine: `tokens` includes the end token, `mean_logprob` is in nats per token."""

    answer_id: str
    text: str
    tokens: int
    finish_reason: str  # stop | length | error: ...
    mean_logprob: float | None


class Engine(Protocol):
    """A loaded model, constructed as `Engine(model=path, **options)` with the options of params.yaml."""

    def generate(self, requests: Sequence[Request]) -> Iterator[Completion]:
        """Yield one completion per request, in any order; a failed one has the finish reason `error: ...`."""
        ...

    def seen(self, requests: Sequence[Request]) -> list[list[int]]:
        """Return the prompt ids of each request as the model reads them, without padding."""
        ...
