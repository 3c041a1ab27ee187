"""params.yaml as one frozen model."""

from typing import Annotated

from pydantic import Field

from reset.params.ability import Ability
from reset.params.answers import (
    Cluster,
    Decode,
    Judge,
    Judging,
    Labelled,
    Pairs,
    Picked,
    Pool,
    Sample,
    Select,
    Store,
    Watcher,
    Weighted,
)
from reset.params.data import Dataset, Describe, Mix, Mixture, Prepare, Prompts, Screen
from reset.params.objectives import Objective
from reset.params.plan import Plan
from reset.params.report import Evaluate, Report, Tracking
from reset.params.section import Section, Seed
from reset.params.training import (
    Base,
    Dpo,
    Interpolated,
    Kto,
    Supervised,
    System,
    TemplateOptions,
    Train,
    WeightedSupervised,
)


class Params(Section):
    """All of params.yaml."""

    scale: str  # name of the scale, a file of conf/scale/
    seed: int = Seed  # of models, training order, sampling and ties; not of the data
    data_seed: int = Seed  # of draws of prompts and mixtures, which stay the same under other seeds
    data_folder: str | None  # folder of local data sets; rows of `datasets` may refer to it
    template: str  # how an example becomes a prompt: a template of the paper, or `chat`, the model's own
    template_options: TemplateOptions
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
    interpolated: dict[str, Interpolated]
    train: Train
    decode: dict[str, Decode]
    pools: dict[str, Pool]
    sample: Sample
    cluster: Cluster
    store: Store
    judges: dict[str, Judge]
    watchers: dict[str, Watcher] = Field(min_length=1)
    stand_ins: list[str]  # rows of `judges` and `watchers` whose figures are no results, and which choose nothing
    judge: Judging
    objectives: dict[str, Objective] = Field(min_length=1)  # what answers should be, and which verdicts say so
    select: Select
    curated: dict[str, Annotated[Picked | Pairs | Labelled | Weighted, Field(discriminator="pick")]]
    evaluate: Evaluate
    ability: Ability
    report: Report
    tracking: Tracking
    plan: Plan | None  # null: nothing is assumed
