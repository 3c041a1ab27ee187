"""Engines: what turns token ids into answers. Both give one answer table; `engine` in params.yaml chooses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Request:
    """One answer to compute. Temperature 0 is greedy; `top_k` 0 is off; `seed` belongs to this answer alone."""

    answer_id: str
    token_ids: tuple[int, ...]  # the whole prompt, BOS included
    temperature: float
    top_k: int
    seed: int
    max_tokens: int


@dataclass(frozen=True)
class Completion:
    """What the engine gave: `tokens` counts the end token, `mean_logprob` is a natural logarithm."""

    answer_id: str
    text: str
    tokens: int
    finish_reason: str  # stop | length | error: ...
    mean_logprob: float | None


class Engine(Protocol):
    """A loaded model. Constructed as `Engine(model: Path, **options)` with the options of params.yaml."""

    def generate(self, requests: Sequence[Request]) -> Iterator[Completion]:
        """Yield one completion per request, in any order; a request that cannot be served ends in `error: ...`."""
        ...

    def seen(self, requests: Sequence[Request]) -> list[list[int]]:
        """Return the ids that the model itself reads as the prompt of each request, padding left out."""
        ...
