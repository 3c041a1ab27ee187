"""The sections on answers: how they are sampled, judged and chosen."""

from typing import Any, Literal

from pydantic import Field

from reset.params.section import Count, Rate, Section


class Decode(Section):
    """A row of `decode`: the values of one sweep (paper 5.1)."""

    temperatures: list[float]
    top_ks: list[int]
    top_k_temperature: float


class Pool(Section):
    """A row of `pools`: one model's answers to a set of prompts under a grid of decode settings."""

    model: str  # folder under models/
    prompts: str
    decode: str
    sweeps: int = Field(ge=1)


class Sample(Section):
    """How answers are sampled."""

    engine: str
    max_tokens: int = Field(ge=1)
    max_prompt_tokens: int = Field(ge=1)
    chunk_prompts: int = Field(ge=1)
    max_failed: float = Rate
    engines: dict[str, dict[str, Any]]


class Cluster(Section):
    """Who samples and judges; see `reset.runs.cluster`."""

    workers: int = Field(ge=1)
    ray_address: str | None  # null: with several workers, a Ray on this machine alone
    worker_cpus: float = Field(gt=0)
    worker_gpus: float = Field(ge=0)
    max_restarts: int = Count


class Judge(Section):
    """A row of `judges`; `model` is a folder under models/, or null for a judge without one of its own."""

    kind: str
    needs: str  # what it builds on besides reset/judges: models/<model>, else code or data
    model: str | None
    options: dict[str, Any]


class Watcher(Judge):
    """A row of `watchers`: a judge that takes no part in any choice."""

    verdicts: list[str] | None  # those of its verdicts that count; null: all


class Judging(Section):
    """How verdicts are collected."""

    max_null: float = Rate
    chunk_answers: int = Field(ge=1)


class Weights(Section):
    """Weights of the axes in the score (paper 5.1)."""

    task: float
    instruction: float
    faithfulness: float


class Select(Section):
    """How the best answer is chosen."""

    weights: Weights


class Curated(Section):
    """What all rows of `curated` say: which prompts of a pool become training rows."""

    pool: str
    prompts: str  # those of the pool
    sweeps: int = Field(ge=1)
    share: float = Rate
    rating: str


class Picked(Curated):
    """One answer to each prompt."""

    pick: Literal["best", "random"]


class Pairs(Curated):
    """The best answer against the worst, if their scores are `margin` apart."""

    pick: Literal["pairs"]
    margin: float = Field(ge=0)


class Labelled(Curated):
    """Answers at least `margin` above or below the mean score of their prompt's."""

    pick: Literal["labelled"]
    margin: float = Field(ge=0)


class Weighted(Curated):
    """All answers, weighted by a softmax of score / `temperature`."""

    pick: Literal["weighted"]
    temperature: float = Field(gt=0)
