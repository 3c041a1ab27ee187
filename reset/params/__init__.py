"""params.yaml as typed, frozen models: every key known, every table checked against the others.

The models carry no defaults, because DVC versions only what the file says. They stop at the stages: library functions
take plain arguments. All problems of a file are reported together, each with its key and the nearest known name.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError

from reset import faults, references
from reset.errors import ResetError, nearest
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
    Watcher,
    Weighted,
)
from reset.params.data import Dataset, Describe, Mix, Mixture, Prepare, Prompts, Screen
from reset.params.report import Evaluate, Report, Tracking
from reset.params.section import Section, Task
from reset.params.training import Base, Dpo, Kto, Supervised, System, Train, WeightedSupervised

FILE = Path("params.yaml")


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
