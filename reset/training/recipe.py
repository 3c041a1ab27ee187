"""How one system is trained: a row of `recipes` in params.yaml, and the batch sizes that follow from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reset.errors import ResetError

IGNORED = -100  # label of a position that is not trained


@dataclass(frozen=True)
class Recipe:
    """One row of `recipes` in params.yaml; rates per step, lengths in tokens."""

    learning_rate: float
    epochs: float
    batch_size: int  # global: over all devices and accumulation steps
    micro_batch_size: int  # rows a device holds at once
    weight_decay: float
    beta2: float
    warmup_ratio: float
    loss: str  # token | sequence
    eval_steps: int  # a checkpoint and a dev perplexity every so many steps
    zero_stage: int
    dtype: str  # auto | bfloat16 | float32
    gradient_checkpointing: bool
    padding_free: bool = False  # sft, weighted_sft: rows behind one another instead of padded to one length
    method: str = "sft"  # sft | weighted_sft | dpo | kto; what follows is of the last two
    beta: float = 0.0  # dpo, kto: how closely to keep to the starting model
    sft_weight: float = 0.0  # dpo: of the cross-entropy of the chosen response, added to the loss
    desirable_weight: float = 1.0  # kto: of either kind of answer in the loss
    undesirable_weight: float = 1.0


Rows = Sequence[Mapping[str, Any]]


def accumulation(recipe: Recipe, devices: int) -> int:
    """Accumulation steps that give the recipe's global batch on so many devices.

    Raises `ResetError` when no whole number does.
    """
    at_once = recipe.micro_batch_size * devices
    if recipe.batch_size % at_once:
        raise ResetError(
            f"batch_size {recipe.batch_size} is no multiple of micro_batch_size {recipe.micro_batch_size} x"
            f" {devices} devices"
        )
    return recipe.batch_size // at_once
