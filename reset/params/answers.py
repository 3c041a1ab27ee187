"""Sections on answers: how they are sampled, judged and selected."""

from typing import Annotated, Any, Literal

from pydantic import Field

from reset.params.section import Count, Rate, Section


class Decode(Section):
    """A row of `decode`: the values of one sweep (paper 5.1)."""

    temperatures: list[Annotated[float, Field(ge=0)]]  # values of the temperature, with top-k off
    top_ks: list[Annotated[int, Field(ge=1)]]  # values of top-k, at `top_k_temperature`
    top_k_temperature: float = Field(ge=0)  # temperature of the settings with top-k; at 0 top-k has no effect


class Until(Section):
    """When a prompt has enough answers, so that no further sweep asks it; see `reset.sampling.enough`."""

    answers: int = Field(ge=1)  # acceptable ones, of different texts: ended, not looping, with at least `f1`
    f1: float | None = Field(
        ge=0.0, le=1.0
    )  # least F1 of the words with a reference, except of instructions; null: any


class Pool(Section):
    """A row of `pools`: one model's answers to a set of prompts under a grid of decode settings."""

    model: str  # folder under models/
    prompts: str  # row of `prompts`
    decode: str  # row of `decode`
    sweeps: int = Field(ge=1)  # how often each prompt is answered under one of the two lists of settings, drawn by seed
    until: Until | None  # when a prompt is not asked in further sweeps; null: every prompt is asked in all of them
    gold: bool  # whether the prompt's reference stands beside the answers, as one more for judges and `curated.*.gold`


class Sample(Section):
    """How answers are sampled."""

    engine: str  # who generates: a row of the table `ENGINES`
    max_tokens: int = Field(ge=1)  # generated tokens of an answer at most
    max_prompt_tokens: int = Field(ge=1)  # longest prompt, in tokens; the context of a longer one is cut
    chunk_prompts: int = Field(ge=1)  # prompts of a part that is kept when a run is killed
    max_failed: float = Rate  # largest share of answers that may fail
    engines: dict[str, dict[str, Any]]  # engine -> its options: see Plug-ins


class Cluster(Section):
    """How many Ray workers sample and judge; see `reset.runs.cluster`."""

    workers: int | None = Field(ge=1)  # null: as many as fit on the GPUs
    ray_address: str | None  # null: no cluster; several workers then use a local Ray on this machine
    worker_cpus: float = Field(gt=0)  # processor cores of a worker
    worker_gpus: float = Field(ge=0)  # GPUs of a worker; as many as the engine's tensor_parallel_size
    max_restarts: int = Count  # how often a dead worker is replaced and its chunk tried again


class Store(Section):
    """Answers and verdicts that are kept by their content; see `reset.runs.store`."""

    max_gb: float = Field(ge=0)  # of all its files together, in gigabytes of 1e9 bytes; 0: nothing is kept


class Judge(Section):
    """A row of `judges`."""

    kind: str  # who judges: a row of the table `JUDGES`
    needs: str  # a path that DVC watches besides the judge's own code: models/<model>, else other code or data
    model: str | None  # folder under models/; null: the judge has no local model
    options: dict[str, Any]  # of the kind: see Plug-ins


class Watcher(Judge):
    """A row of `watchers`: a judge whose verdicts are never used to select answers."""

    verdicts: list[str] | None  # names of the verdicts to report; null: all


class Judging(Section):
    """How verdicts are collected."""

    max_null: float = Rate  # largest share of verdicts without a score
    chunk_answers: int = Field(ge=1)  # answers, about, of a part that is kept when a run is killed


Combine = Literal["weighted_sum", "log_sigmoid", "lexicographic", "pareto"]


class LogSigmoid(Section):
    """Options of `combine: log_sigmoid`."""

    reference: float = Rate  # quantile of a prompt's answers that counts as good enough
    scale: float = Field(gt=0)  # by which the distance from the reference is multiplied


class Select(Section):
    """How objectives order the answers to a prompt; see `reset.choosing.combining`."""

    combine: Combine  # how the objectives order the answers to a prompt
    normalise: Literal["none", "prompt", "pool"]  # over which answers the values of an objective are put on one scale
    log_sigmoid: LogSigmoid
    stand_ins: bool  # whether the judges in `stand_ins` choose too
    counted_below: float = Rate  # value of an objective below which winners are counted in metrics/select


class Mask(Section):
    """Sentences of an answer that are not trained; see `reset.choosing.masking`."""

    verdict: str  # of a judge that tells how well the passages support each sentence: summac, claims, minicheck
    below: float = Field(gt=0, le=1)  # support of a sentence below which it is not trained


class Curated(Section):
    """Options of every row of `curated`: which answers of a pool become training rows."""

    pool: str  # row of `pools` whose answers compete
    prompts: str  # must be the pool's row of prompts
    sweeps: int = Field(ge=1)  # how many of the pool's sweeps compete
    share: float = Field(gt=0, le=1)  # of the prompts that is kept, those with the best answers first
    rating: str  # name of the verdict that scores instructions
    truncated: Literal["drop", "keep"]  # whether an answer that was cut off at `sample.max_tokens` can win
    gold: bool  # whether the prompt's reference competes; the pool must have it
    looping: Literal["drop", "keep"]  # whether an answer that repeats itself can win: reset.looping
    floor: dict[str, float | None]  # in place of an objective's, or of the `score`; null: none
    combine: Combine | None  # null: that of `select`
    near_identical: float | None = Field(
        ge=0.0, le=1.0
    )  # word overlap above which two answers to a prompt count once; null: no limit
    disagreement: float | None = Field(
        ge=0.0, le=1.0
    )  # mean spread of an objective's verdicts above which a prompt is dropped
    mask: Mask | None  # which sentences of an answer are not trained; null: all are
    length_penalty: float = Field(ge=0)  # taken off an answer's score for each of its words
    per_prompt: int = Field(ge=1)  # answers to a prompt that become rows, at most, of different texts; or pairs of them


class Picked(Curated):
    """The best answers to each prompt, random ones, or the best `share` of all answers whatever their prompt."""

    pick: Literal["best", "random", "best_overall"]  # which answers to a prompt become training rows


class Pairs(Curated):
    """The best and the worst answer to a prompt, if their scores differ by `margin`; then other pairs."""

    pick: Literal["pairs"]  # which answers to a prompt become training rows
    margin: float = Field(ge=0)  # least difference of the two scores


class Labelled(Curated):
    """Answers whose score is at least `margin` above or below the mean score of their prompt."""

    pick: Literal["labelled"]  # which answers to a prompt become training rows
    margin: float = Field(ge=0)  # least distance from the mean score of the prompt


class Weighted(Curated):
    """All answers, weighted by a softmax of score / `temperature`."""

    pick: Literal["weighted"]  # which answers to a prompt become training rows
    temperature: float = Field(gt=0)  # of the softmax; the lower, the more the best answers weigh
