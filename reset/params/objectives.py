"""The table `objectives`: what answers should be, and which verdicts say so; see `reset.objectives`."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator

from reset.params.section import Rate, Section, Task


def _form(value: Any) -> str:
    """A name alone, or a section: so that only one of both is checked."""
    return "name" if isinstance(value, str) else "section"


class Combination(Section):
    """Several verdicts that speak for an objective together."""

    take: Literal[
        "mean", "min", "max", "median", "vote", "deviation", "dissent"
    ]  # how the verdicts become one value; the last two say how far they differ
    of: list[str] = Field(min_length=2)  # names of the verdicts
    null_if: Literal["any", "all"]  # the value is null if any, or all, of the verdicts are

    @field_validator("of")
    @classmethod
    def _differ(cls, of: list[str]) -> list[str]:
        for name in of:
            if of.count(name) > 1:
                raise ValueError(f"names '{name}' twice, must name each verdict once")
        return of


Verdicts = Annotated[Annotated[str, Tag("name")] | Annotated[Combination, Tag("section")], Discriminator(_form)]


class Threshold(Section):
    """A transformation: 1 if the value is `at_least` so much, else 0."""

    at_least: float = Rate  # least value that counts as 1


class Objective(Section):
    """A row of `objectives`."""

    weight: float = Field(ge=0, le=1e6)  # in the score of an answer; 0: only reported
    floor: float | None = Field(ge=0, le=1)  # least value of an answer that can be chosen
    transform: Annotated[
        Annotated[Literal["none", "invert"], Tag("name")] | Annotated[Threshold, Tag("section")], Discriminator(_form)
    ]  # of the value: none, invert (1 - value), or a threshold
    compare: list[
        Literal["all", "abstractive", "extractive", "instruction", "seen", "unseen"]
    ]  # averages whose differences are tested
    verdicts: dict[Task, Verdicts]  # task -> the verdict, or combination of verdicts, that speaks for it
