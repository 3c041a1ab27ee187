"""The section on general ability."""

from pydantic import Field

from reset.params.section import Count, Section


class Ability(Section):
    """Tasks of lm-evaluation-harness (`lm_eval`, to be installed), measured beside the trade-off; they choose nothing.

    Without `systems` nothing is measured.
    """

    systems: dict[str, str]  # evaluated pool -> its model, a folder under models/
    tasks: list[str]  # names of lm_eval's tasks and groups of tasks, or of your own
    needs: str  # folder of task files of your own, which DVC watches; reset/ability has none
    few_shot: int | None = Count  # solved examples in a prompt; null: each task's own number
    examples: int | None = Field(ge=1)  # first examples of each task that are measured; null: all
    chat_template: bool  # whether prompts are put in the model's own chat template
    batch: int = Field(ge=1)  # prompts of a pass
