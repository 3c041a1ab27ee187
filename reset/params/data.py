"""The sections on data: records, examples, mixtures, prompts."""

from typing import Annotated, Any, Literal

from pydantic import Field

from reset.params.section import Count, Rate, Section


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
    """Which training rows are too close to a test; see `reset.examples.screen`."""

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
