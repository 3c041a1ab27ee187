"""Sections on data: records, examples, mixtures, prompts."""

from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from reset.params.section import Count, Rate, Section

ONLY_THE_SPLIT = "must be a pattern in which {split} alone stands in braces"


class OnHub(Section):
    """A data set of the hub, read in place of the source's own: the same records elsewhere, or some rows of it."""

    id: str  # of the repository, such as microsoft/ms_marco
    config: str | None  # the configuration (subset) to read; null: the default one
    data_files: str | None  # pattern inside the repository, with {split}; null: what the configuration says
    splits: Annotated[dict[Literal["train", "dev", "test"], str], Field(min_length=1)]  # our split -> the hub's
    take: dict[Literal["train", "dev", "test"], Annotated[int, Field(ge=1)]]  # our split -> its first rows; else all
    licence: str  # of the data, as its card says; copied into the card of an export

    @field_validator("data_files")
    @classmethod
    def has_only_the_split(cls, pattern: str | None) -> str | None:
        """Refuse a pattern with another field than {split}, or with a brace too many."""
        try:
            fields = [field for _, *field in Formatter().parse(pattern or "") if field[0] is not None]
        except ValueError as error:
            raise ValueError(ONLY_THE_SPLIT) from error
        if any(field != ["split", "", None] for field in fields):
            raise ValueError(ONLY_THE_SPLIT)
        return pattern


class Dataset(Section):
    """A row of `datasets`."""

    source: str  # who reads the records: a row of the table `SOURCES`
    path: str | None  # a local copy; null: the source generates or downloads its records
    hub: OnHub | None  # null: where the source says
    needs: str  # a path that DVC watches besides the source's own code: `path`, else code that brings the records
    revision: str | None  # branch, tag or commit of the hub; null: the source's default, or no hub
    shares: dict[Literal["train", "dev", "test"], Annotated[float, Rate]] | None  # per split, for records without one
    dev_from_train: Annotated[float, Field(gt=0, lt=1)] | None  # share of the records named train that become dev
    options: dict[str, Any]  # of the source: see Plug-ins


class Prepare(Section):
    """Limits of the stage `prepare`."""

    max_passages: int = Field(ge=1)  # largest number of retrieved passages of a question
    max_set_aside: float = Rate  # largest share of a data set's records that may be set aside
    max_broken: float = Rate  # largest share of records, or of a file's lines, that may be broken
    max_chars: int = Count  # of all texts of a record together; longer ones are set aside


class Screen(Section):
    """Which training rows are too similar to a test example; see `reset.examples.screen`."""

    near: Literal["off", "count", "drop"]  # near-duplicates of tests are not looked for, counted, or dropped
    threshold: float = Field(gt=0, le=1)  # Jaccard similarity, estimated, from which texts are near-duplicates
    permutations: int = Field(ge=16)  # hash functions of a MinHash signature
    shingle: int = Field(ge=1)  # words of a shingle
    duplicates: Literal["keep", "drop"]  # whether a training row that repeats another is kept


class Describe(Section):
    """How the stage `describe` measures lengths."""

    model: str  # folder under models/; its tokenizer counts the tokens of responses


class Mixture(Section):
    """A row of `mixtures`: parts, each of one or more data sets. Limits and up-sampling apply to a part as a whole."""

    parts: dict[str, list[str]]  # part -> data sets
    take: dict[str, Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, le=1)]]  # data set -> count or share
    rows: Annotated[int, Field(ge=1)] | None  # at most, per part; null: all
    dev_rows: int = Count  # dev rows at most, per part


class Mix(Section):
    """Options shared by all mixtures."""

    upsample: bool  # repeat the rows of each part until it is as large as the largest
    references: Literal["first", "drawn"]  # which of several gold responses is the training target


class Prompts(Section):
    """A row of `prompts`: the examples that a pool answers."""

    split: Literal["train", "dev", "test"]  # split that the examples are drawn from
    skip: int = Count  # rows of each data set to skip first, in the seeded order
    rows: dict[str, Annotated[int, Field(ge=1)]]  # data set -> number of examples
