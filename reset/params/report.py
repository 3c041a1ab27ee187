"""The sections on what is made of the scores: evaluation, the report, tracking."""

from typing import Literal

from pydantic import Field

from reset.params.section import Count, Section


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
