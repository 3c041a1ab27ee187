"""params.yaml as typed, frozen models: every key known, every table checked against the others.

The models carry no defaults, because DVC versions only what the file says. They stop at the stages: library functions
take plain arguments. All problems of a file are reported together, each with its key and the nearest known name.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reset import faults, references
from reset.errors import ResetError, nearest

FILE = Path("params.yaml")
Rate = Field(ge=0.0, le=1.0)
Count = Field(ge=0)
Task = Literal["instruction", "extractive_qa", "abstractive_qa", "summarization"]


class Section(BaseModel):
    """A section of params.yaml: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Dataset(Section):
    """A row of `datasets`; `shares` draws splits by a hash of the id where a source has none of its own."""

    source: str
    path: str | None  # a local copy; null: generated, or fetched from where the source lives
    needs: str  # what DVC watches beside the source's own code: `path`, else the code that makes or brings the records
    revision: str | None
    shares: dict[Literal["train", "dev", "test"], float] | None
    options: dict[str, Any]


class Prepare(Section):
    """Limits of `prepare`."""

    max_passages: int = Count
    max_set_aside: float = Rate
    max_broken: float = Rate
    max_chars: int = Count


class Screen(Section):
    """Which training rows are too close to a test; see `reset.screening`."""

    near: Literal["off", "count", "drop"]
    threshold: float = Field(gt=0, le=1)
    permutations: int = Field(ge=16)
    shingle: int = Field(ge=1)  # words
    duplicates: Literal["keep", "drop"]


class Describe(Section):
    """In whose tokens the lengths of responses are told."""

    model: str  # folder under models/


class Mixture(Section):
    """A row of `mixtures`: parts of one or more data sets, each part counted as one data set."""

    parts: dict[str, list[str]]
    take: dict[str, Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, le=1)]]  # of a data set: count or share
    rows: int | None  # at most so many per part
    dev_rows: int = Count  # at most so many per part


class Mix(Section):
    """What all mixtures have in common."""

    upsample: bool  # repeat each part up to the largest
    references: Literal["first", "drawn"]  # which of several gold responses is trained on


class Prompts(Section):
    """A row of `prompts`: how many examples of which data sets a pool answers."""

    split: Literal["train", "dev", "test"]
    skip: int = Count  # leave out so many rows of each data set first, in the seeded order
    rows: dict[str, int]


class Base(Section):
    """A row of `base`: a starting model; `needs` is the file or folder that it is made from."""

    kind: str
    needs: str
    options: dict[str, Any]


class Adapter(Section):
    """What is trained instead of all weights; see `reset.adapters.Adapter`."""

    rank: int = Field(ge=1)
    alpha: float = Field(gt=0)
    dropout: float = Field(ge=0, lt=1)
    target_modules: list[str] = Field(min_length=1)
    quantise: Literal["none", "4bit"]
    merge: bool


class Recipe(Section):
    """What all rows of `recipes` say; see `reset.trainer.Recipe`."""

    method: str
    adapter: Adapter | None  # null: all weights are trained
    learning_rate: float = Field(gt=0)
    epochs: float = Field(gt=0)
    batch_size: int = Field(ge=1)
    micro_batch_size: int = Field(ge=1)
    weight_decay: float = Field(ge=0)
    beta2: float = Rate
    warmup_ratio: float = Rate
    loss: Literal["token", "sequence"]
    eval_steps: int = Field(ge=1)
    zero_stage: int = Field(ge=0, le=3)
    dtype: Literal["auto", "bfloat16", "float32"]
    gradient_checkpointing: bool
    padding_free: bool  # rows behind one another instead of padded to one length


class Supervised(Recipe):
    """Cross-entropy of the response."""

    method: Literal["sft"]


class WeightedSupervised(Recipe):
    """Cross-entropy of every response times its weight."""

    method: Literal["weighted_sft"]


class Dpo(Recipe):
    """Direct preference optimisation; `loss: sequence` takes log-probabilities per token."""

    method: Literal["dpo"]
    padding_free: Literal[False]
    adapter: None  # the reference model is the one that training starts from, whole
    beta: float = Field(gt=0)
    sft_weight: float = Field(ge=0)  # of the cross-entropy of the chosen response, added to the loss


class Kto(Recipe):
    """Kahneman-Tversky optimisation, whose reference point is an estimate over a device's rows."""

    method: Literal["kto"]
    padding_free: Literal[False]
    adapter: None  # the reference model is the one that training starts from, whole
    beta: float = Field(gt=0)
    desirable_weight: float = Field(gt=0)
    undesirable_weight: float = Field(gt=0)
    loss: Literal["token"]  # log-probabilities are summed over tokens
    micro_batch_size: int = Field(ge=2)


class System(Section):
    """A row of `systems`: where it starts, what it is trained and checked on, and how."""

    init: str  # folder under models/
    data: str  # file under data/, without .parquet
    dev: str  # mixture whose dev rows choose the checkpoint
    recipe: str
    keep: list[Annotated[float, Field(gt=0, le=1)]]  # shares of the training whose models stay too: `<system>/at/25`


class Train(Section):
    """What all training has in common."""

    max_tokens: int = Field(ge=8)
    processes: int = Field(ge=1)
    hostfile: str | None  # of several machines; see `reset.launching`
    max_cut: float = Rate  # share of training rows that may be cut or set aside to keep within max_tokens
    max_loss_rise: float = Field(gt=0)  # nats; see `reset.divergence`
    loss_window: int = Field(ge=1)  # steps


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
    """Who samples and judges; see `reset.cluster`."""

    workers: int = Field(ge=1)
    ray_address: str | None  # null: with several workers, a Ray on this machine alone
    worker_cpus: float = Field(gt=0)
    worker_gpus: float = Field(ge=0)
    max_restarts: int = Count


class Judge(Section):
    """A row of `judges`; `model` is a folder under models/, or null for a judge without one of its own."""

    kind: str
    needs: str  # what DVC watches beside the judge's own file: the code or text that it builds on
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


class Evaluate(Section):
    """Which pools are systems' test answers, what their data sets are called together, how sure the intervals are."""

    prompts: str
    groups: dict[str, Literal["seen", "unseen", "instruction"]]
    systems: list[str]
    bootstrap: int = Field(ge=1)


class Report(Section):
    """What the page holds."""

    browser_mb: float = Field(ge=0)  # of packed answers; prompts beyond are left to `reset-lm show`
    much_longer: int = Count  # words beyond the gold answer (Figure 5)
    similar: int = Count  # tokens by which answers of two systems may differ and count as equally long (Figure 7)


class Tracking(Section):
    """MLflow, on or off."""

    enabled: bool


class Params(Section):
    """The whole of params.yaml."""

    scale: str
    seed: int
    data_folder: str | None  # where local copies of data sets are, for the rows of `datasets` that say so
    template: str
    datasets: dict[str, Dataset]
    prepare: Prepare
    screen: Screen
    mix: Mix
    mixtures: dict[str, Mixture]
    prompts: dict[str, Prompts]
    base: dict[str, Base]
    describe: Describe
    recipes: dict[str, Annotated[Supervised | WeightedSupervised | Dpo | Kto, Field(discriminator="method")]]
    systems: dict[str, System]
    train: Train
    decode: dict[str, Decode]
    pools: dict[str, Pool]
    sample: Sample
    cluster: Cluster
    judges: dict[str, Judge]
    watchers: dict[str, Watcher] = Field(min_length=1)
    judge: Judging
    scores: dict[Task, dict[Literal["task", "faithfulness", "instruction"], str]]
    select: Select
    curated: dict[str, Annotated[Picked | Pairs | Labelled | Weighted, Field(discriminator="pick")]]
    evaluate: Evaluate
    report: Report
    tracking: Tracking


def load(path: Path = FILE) -> Params:
    """Read and check `path`.

    Raises `ResetError` naming every problem of the file at once.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ResetError(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ResetError(f"{path}: not YAML ({' '.join(str(error).split())})") from error
    try:
        params = Params.model_validate(content)
    except ValidationError as error:
        raise _failure(path, [faults.said(item, Params) for item in error.errors()]) from error
    problems = list(references.problems(params))
    if problems:
        raise _failure(path, problems)
    return params


def row(table: Mapping[str, Any], name: str, section: str) -> Any:
    """The row `name` of a table of params.yaml, or a `ResetError` that says which there are."""
    if name not in table:
        raise ResetError(f"Unknown {section} '{name}' ({FILE}: {section}). {nearest(name, table)}")
    return table[name]


def _failure(path: Path, problems: list[str]) -> ResetError:
    return ResetError(f"{path}: " + "; ".join(problems))
