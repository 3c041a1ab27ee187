"""The model that training starts from. Under ZeRO-3 no rank holds the whole of it, where that can be avoided."""

import os
from pathlib import Path
from typing import Any

import deepspeed
import torch
from transformers.integrations.deepspeed import HfDeepSpeedConfig

from reset.model import adapters, precision
from reset.training.loop import deepspeed_config, without_shared_memory
from reset.training.recipe import Recipe

WHOLE = ("dpo", "kto")  # they try the model, and copy it as a reference, before DeepSpeed takes it over


def start(init: Path, recipe: Recipe, adapter: adapters.Adapter | None, seed: int) -> Any:
    """Return the model to train; all ranks call this, after `rendezvous`.

    Under ZeRO-3 it is loaded in the dtype of training and split over the ranks layer by layer. It is loaded whole, in
    float32, on every rank if it has an adapter, if the method needs it (`WHOLE`), or if packed batches are to be tried.
    """
    if adapter:
        return adapters.start(init, adapter, seed)
    if recipe.zero_stage < 3 or recipe.method in WHOLE or recipe.padding_free or adapters.apart(init):
        return adapters.load(init, torch.float32)
    without_shared_memory()
    deepspeed.init_distributed(verbose=False)
    config = deepspeed_config(recipe, int(os.environ["WORLD_SIZE"]))
    sharded = HfDeepSpeedConfig(config)  # type: ignore[no-untyped-call]  # in force while it lives
    model = adapters.load(init, precision.dtype(recipe.dtype))
    del sharded
    return model
