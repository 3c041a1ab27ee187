"""Base class and shared types of the sections of params.yaml."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Rate = Field(ge=0.0, le=1.0)
Count = Field(ge=0)
Seed = Field(ge=0, lt=2**32)  # NumPy's generators take no other
Task = Literal["instruction", "extractive_qa", "abstractive_qa", "summarization"]


class Section(BaseModel):
    """A section of params.yaml: unknown keys are errors, values are not converted and cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
