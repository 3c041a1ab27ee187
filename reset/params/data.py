"""Sections on data: records, examples, mixtures, prompts."""

from typing import Annotated, Any, Literal

from pydantic import Field

from reset.params.section import Count, Rate, Section


class OnHub(Section):
    """A data set of the hub, read in place of the source's own: the same records elsewhere, or some rows of it."""

    id: str  # of the repository
    config: str | None
    data_files: str | None  # pattern inside the repository, with {split}; null: what the configuration says
    splits: Annotated[dict[Literal["train", "dev", "test"], str], Field(min_length=1)]  # our split -> the hub's
    take: dict[Literal["train", "dev", "test"], Annotated[int, Field(ge=1)]]  # our split -> its first rows; else all
    licence: str


class Dataset(Section):
    """A row of `datasets`."""

    source: str
    path: str | None  # a local copy; null: the source generates or downloads its records
    hub: OnHub | None  # null: where the source says
    needs: str  # a path that DVC watches besides the source's own code: `path`, else code that brings the records
    revision: str | None
    shares: (
        dict[Literal["train", "dev", "test"], Annotated[float, Rate]] | None
    )  # of each split, for records that name none
    dev_from_train: Annotated[float, Field(gt=0, lt=1)] | None  # share of the records named train that become dev
    options: dict[str, Any]


class Prepare(Section):
    """Limits of the stage `prepare`."""

    max_passages: int = Count
    max_set_aside: float = Rate
    max_broken: float = Rate
    max_chars: int = Count


class Screen(Section):
    """Which training rows are too similar to a test example; see `reset.examples.screen`."""

    near: Literal["off", "count", "drop"]
    threshold: float = Field(gt=0, le=1)
    permutations: int = Field(ge=16)
    shingle: int = Field(ge=1)  # words
    duplicates: Literal["keep", "drop"]


class Describe(Section):
    """How the stage `describe` measures lengths."""

    model: str  # folder under models/; its tokenizer counts the tokens of responses


class Mixture(Section):
    """A row of `mixtures`: parts, each of one or more data sets. Limits and up-sampling apply to a part as a whole."""

    parts: dict[str, list[str]]  # part -> data sets
    take: dict[str, Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, le=1)]]  # data set -> count or share
    rows: Annotated[int, Field(ge=1)] | None  # at most, per part
    dev_rows: int = Count  # at most, per part


class Mix(Section):
    """Options shared by all mixtures."""

    upsample: bool  # repeat the rows of each part until it is as large as the largest
    references: Literal["first", "drawn"]  # which of several gold responses is the training target


class Prompts(Section):
    """A row of `prompts`: the examples that a pool answers."""

    split: Literal["train", "dev", "test"]
    skip: int = Count  # rows of each data set to skip first, in the seeded order
    rows: dict[str, Annotated[int, Field(ge=1)]]  # data set -> number of examples
