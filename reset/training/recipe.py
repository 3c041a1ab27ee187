"""How a system is trained: a row of `recipes` in params.yaml, and its gradient accumulation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from reset.errors import ResetError

Positive = Annotated[float, Field(gt=0)]
Rate = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]

IGNORED = -100  # label of a position that is not trained


@dataclass(frozen=True)
class Recipe:
    """One row of `recipes` in params.yaml; rates per step, lengths in tokens."""

    learning_rate: Positive
    epochs: Positive
    batch_size: Count  # global: over all devices and accumulation steps
    micro_batch_size: Count  # rows per device and forward pass
    weight_decay: Annotated[float, Field(ge=0)]
    beta2: Rate
    warmup_ratio: Rate
    loss: Literal["token", "sequence"]
    eval_steps: Count  # steps between two readings of the dev loss, which chooses the model
    zero_stage: Annotated[int, Field(ge=0, le=3)]
    dtype: Literal["auto", "bfloat16", "float32"]
    gradient_checkpointing: bool
    micro_batch_tokens: int | None = None  # sft, weighted_sft: most tokens of a pass; None: one pass per micro batch
    padding_free: bool = False  # sft, weighted_sft: packed (padding-free) batches
    method: str = "sft"  # sft | weighted_sft | dpo | kto
    beta: float = 0.0  # dpo, kto: strength of the KL penalty to the starting model
    sft_weight: float = 0.0  # dpo: weight of the chosen response's cross-entropy
    desirable_weight: float = 1.0  # kto: loss weight of desirable answers
    undesirable_weight: float = 1.0  # kto: loss weight of undesirable answers


Rows = Sequence[Mapping[str, Any]]


def accumulation(recipe: Recipe, devices: int) -> int:
    """Return the gradient accumulation steps that give the global batch size on `devices` devices.

    Raises `ResetError` if that is no whole number.
    """
    rows_per_pass = recipe.micro_batch_size * devices
    if recipe.batch_size % rows_per_pass:
        raise ResetError(
            f"batch_size {recipe.batch_size} is no multiple of micro_batch_size {recipe.micro_batch_size} x"
            f" {devices} devices"
        )
    return recipe.batch_size // rows_per_pass


def loads_whole(zero_stage: int, method: str, *, padding_free: bool) -> bool:
    """Return whether every rank loads the whole model, also if it has no adapter.

    ZeRO-3 splits it while it is loaded, except where it is tried before DeepSpeed takes it over: for `dpo` and `kto`,
    which also copy it as a reference, and for packed batches.
    """
    return zero_stage < 3 or method in ("dpo", "kto") or padding_free
