"""Sections on answers: how they are sampled, judged and selected."""

from typing import Annotated, Any, Literal

from pydantic import Field

from reset.params.section import Count, Rate, Section


class Decode(Section):
    """A row of `decode`: the values of one sweep (paper 5.1)."""

    temperatures: list[Annotated[float, Field(ge=0)]]
    top_ks: list[Annotated[int, Field(ge=1)]]
    top_k_temperature: float = Field(ge=0)


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
    """How many Ray workers sample and judge; see `reset.runs.cluster`."""

    workers: int | None = Field(ge=1)  # null: as many as fit on the GPUs
    ray_address: str | None  # null: no cluster; several workers then use a local Ray on this machine
    worker_cpus: float = Field(gt=0)
    worker_gpus: float = Field(ge=0)
    max_restarts: int = Count


class Judge(Section):
    """A row of `judges`."""

    kind: str
    needs: str  # a path that DVC watches besides the judge's own code: models/<model>, else other code or data
    model: str | None  # folder under models/; null: the judge has no local model
    options: dict[str, Any]


class Watcher(Judge):
    """A row of `watchers`: a judge whose verdicts are never used to select answers."""

    verdicts: list[str] | None  # names of the verdicts to report; null: all


class Judging(Section):
    """How verdicts are collected."""

    max_null: float = Rate  # largest share of verdicts without a score
    chunk_answers: int = Field(ge=1)


class Weights(Section):
    """Weights of the axes in an answer's score (paper 5.1)."""

    task: float
    instruction: float
    faithfulness: float


class Select(Section):
    """How the best answer is selected."""

    weights: Weights
    stand_ins: bool  # whether the judges in `stand_ins` choose too


class Curated(Section):
    """Options of every row of `curated`: which answers of a pool become training rows."""

    pool: str
    prompts: str  # must be the pool's row of prompts
    sweeps: int = Field(ge=1)
    share: float = Rate  # of the prompts that is kept, those with the best answers first
    rating: str  # name of the verdict that scores instructions
    truncated: Literal["drop", "keep"]  # whether an answer that was cut off at `sample.max_tokens` can win
    looping: Literal["drop", "keep"]  # whether an answer that repeats itself can win: reset.choosing.candidates.loops
    floor: dict[Literal["score", "task", "instruction", "faithfulness"], float]  # least value of an answer that can win


class Picked(Curated):
    """One answer per prompt: the best one or a random one."""

    pick: Literal["best", "random"]


class Pairs(Curated):
    """The best and the worst answer to a prompt, if their scores differ by at least `margin`."""

    pick: Literal["pairs"]
    margin: float = Field(ge=0)


class Labelled(Curated):
    """Answers whose score is at least `margin` above or below the mean score of their prompt."""

    pick: Literal["labelled"]
    margin: float = Field(ge=0)


class Weighted(Curated):
    """All answers, weighted by a softmax of score / `temperature`."""

    pick: Literal["weighted"]
    temperature: float = Field(gt=0)
