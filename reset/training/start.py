"""The model that training starts from. Under ZeRO-3 no rank holds the whole of it, where that can be avoided."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import deepspeed
import torch
from transformers.integrations.deepspeed import HfDeepSpeedConfig

from reset.model import adapters, precision
from reset.training.loop import deepspeed_config, without_shared_memory
from reset.training.recipe import Recipe, loads_whole


def start(init: Path, recipe: Recipe, adapter: adapters.Adapter | None, seed: int) -> Any:
    """Return the model to train; all ranks call this, after `rendezvous`.

    Under ZeRO-3 it is split over the ranks layer by layer. It is loaded whole, in float32, on every rank if it has an
    adapter, and where `recipe.loads_whole` says so.
    """
    if adapter:
        return adapters.start(init, adapter, seed)
    if loads_whole(recipe.zero_stage, recipe.method, padding_free=recipe.padding_free) or adapters.apart(init):
        return adapters.load(init, torch.float32)
    return _split(init, recipe)


def _split(init: Path, recipe: Recipe) -> Any:
    """Load the model in float32, of which every rank keeps its part, then cast that to the dtype of training.

    Loaded in bfloat16, `deepspeed.zero.Init` would also round what a model computes for itself, such as the frequencies
    of rotary embeddings; angles at position 2,000 are then off by radians.
    """
    without_shared_memory()
    deepspeed.init_distributed(verbose=False)
    config = deepspeed_config(replace(recipe, dtype="float32"), int(os.environ["WORLD_SIZE"]))
    sharded = HfDeepSpeedConfig(config)  # type: ignore[no-untyped-call]  # in force while it lives
    model = adapters.load(init, torch.float32)
    del sharded
    dtype = precision.dtype(recipe.dtype)
    for weights in model.parameters():
        part: Any = weights.ds_tensor  # type: ignore[attr-defined]
        part.data, weights.data = part.data.to(dtype), weights.data.to(dtype)  # the second is empty
    return model
