"""Sections on evaluation, the report and tracking."""

from typing import Annotated, Literal

from pydantic import Field

from reset.params.section import Count, Section


class Evaluate(Section):
    """Which pools are evaluated, and how."""

    prompts: str  # the row of prompts that the pools answer
    groups: dict[
        str, Literal["seen", "unseen", "instruction", "ability"]
    ]  # data set -> the group whose average it counts in; `ability`: in none
    systems: list[str]  # pools, named like their systems
    bootstrap: int = Field(ge=1)  # resamples for the confidence intervals


Pair = Annotated[list[str], Field(min_length=2, max_length=2)]


class Report(Section):
    """Contents of the report's page."""

    tradeoff: Pair  # the two objectives of the trade-off plane, of Table 4 and of the figures on lengths
    comparisons: list[Pair]  # of evaluated pools, the first minus the second; the first pair is the headline
    pipelines: dict[str, Pair]  # title -> the evaluated pools before and after its second stage (Figures 3 and 6)
    paper_rows: dict[  # evaluated pool -> its row of the paper's Table 4
        str, Literal["Vicuna-7B", "w/o MTL", "w/ MTL", "w/ ReSet", "w/ MTL+ReSet", "w/ MTL+ReSet-S"]
    ]
    browser_mb: float = Field(ge=0)  # largest size of the packed answers; `reset-lm show` shows the prompts left out
    much_longer: int = Count  # words more than the gold answer (Figure 5)
    similar: int = Count  # largest difference in tokens between two answers that count as equally long (Figure 7)
    similar_on: list[str] | None  # data sets of Figure 7; null: all with instructions
    seeds: str  # file that `reset-lm seeds --json` wrote; its Table 4 is shown if its runs are of this scale


class Tracking(Section):
    """Whether runs are recorded for MLflow."""

    enabled: bool  # whether stages write what MLflow is told, into .tracking/
