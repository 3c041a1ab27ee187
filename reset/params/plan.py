"""What `reset-lm plan` assumes of a scale before anything is measured."""

from typing import Annotated

from pydantic import Field

from reset.params.section import Section

Positive = Annotated[float, Field(gt=0)]
Size = Annotated[float, Field(ge=0)]


class Plan(Section):
    """Rates of one device, lengths and sizes; they decide no result. Sizes are in gigabytes of 1e9 bytes."""

    train_tokens_per_s: Positive  # read in training
    sample_tokens_per_s: Positive  # generated; the time in which prompts are read is included
    answers_per_s: dict[str, Positive]  # judge -> answers of a pool per second, also those that it does not judge
    row_tokens: Annotated[int, Field(ge=1)]  # of a training row
    answer_tokens: Annotated[int, Field(ge=1)]  # of a generated answer
    cut_answers: Annotated[
        float, Field(ge=0, le=1)
    ]  # share of the answers that repeat themselves until they are cut off
    stage_s: Size  # until a stage has loaded its libraries and its model
    device_usd: Size  # price of the device, an hour
    download_gb: dict[str, Size]  # what -> its size
    written_gb_per_system: Size  # checkpoints and model of one system
