"""Sections on evaluation, the report and tracking."""

from typing import Literal

from pydantic import Field

from reset.params.section import Count, Section


class Evaluate(Section):
    """Which pools are evaluated, and how."""

    prompts: str  # the row of prompts that the pools answer
    groups: dict[str, Literal["seen", "unseen", "instruction"]]  # data set -> the group whose average it counts in
    systems: list[str]  # pools, named like their systems
    bootstrap: int = Field(ge=1)  # resamples for the confidence intervals


class Report(Section):
    """Contents of the report's page."""

    browser_mb: float = Field(ge=0)  # largest size of the packed answers; `reset-lm show` shows the prompts left out
    much_longer: int = Count  # words more than the gold answer (Figure 5)
    similar: int = Count  # largest difference in tokens between two answers that count as equally long (Figure 7)


class Tracking(Section):
    """Whether runs are recorded for MLflow."""

    enabled: bool
