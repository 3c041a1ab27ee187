"""The table `objectives`: what answers should be, and which verdicts say so; see `reset.objectives`."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from reset.params.section import Rate, Section, Task


def _form(value: Any) -> str:
    """A name alone, or a section: so that only one of both is checked."""
    return "name" if isinstance(value, str) else "section"


class Combination(Section):
    """Several verdicts that speak for an objective together."""

    take: Literal["mean", "min", "max", "median", "vote"]
    of: list[str] = Field(min_length=2)
    null_if: Literal["any", "all"]  # of the verdicts that are null


Verdicts = Annotated[Annotated[str, Tag("name")] | Annotated[Combination, Tag("section")], Discriminator(_form)]


class Threshold(Section):
    """A transformation: 1 if the value is `at_least` so much, else 0."""

    at_least: float = Rate


class Objective(Section):
    """A row of `objectives`."""

    weight: float = Field(ge=0, allow_inf_nan=False)  # 0: only reported
    floor: float | None = Field(ge=0, le=1)  # least value of an answer that can be chosen
    transform: Annotated[
        Annotated[Literal["none", "invert"], Tag("name")] | Annotated[Threshold, Tag("section")], Discriminator(_form)
    ]
    compare: list[Literal["all", "abstractive", "extractive", "instruction", "seen", "unseen"]]
    verdicts: dict[Task, Verdicts]
