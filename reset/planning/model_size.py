"""A model's size before it is there: parameters, bytes on disk, memory while training and while answering.

Memory while training is what DeepSpeed's own estimators count (`estimate_zero2_model_states_mem_needs` and
`estimate_zero3_model_states_mem_needs` of 0.19, without offload) plus activations by Korthikanti et al. (2022,
"Reducing Activation Recomputation in Large Transformer Models", equations 2 and 5, without the part of attention scores
that fused kernels never keep) and the logits of `reset.training.loop`. All of it is an estimate of what is held at
once; allocators, kernels and the system come on top.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from reset.model import adapters, precision
from reset.params.training import Adapter as AdapterRow
from reset.params.training import Recipe

Adapter = AdapterRow | adapters.Adapter

_STATES = {  # bytes per parameter: weights, gradients, what the optimiser keeps (with its own copies in float32)
    torch.bfloat16: (2, 2, 16),
    torch.float32: (4, 4, 8),
}
_LOGITS = 2 + 4 + 4 + 4  # bytes per logit: as computed, in float32, their softmax, their gradient
_CHECKPOINT = 12  # bytes per parameter of an optimiser in a checkpoint, beside the weights
CHECKPOINTS = 3  # at once: the trainer keeps two, and writes the next before it deletes one


@dataclass(frozen=True)
class Shape:
    """What a model of one configuration takes."""

    parameters: int  # tied ones once
    linear: dict[str, tuple[int, int]]  # the linear modules but the head: numbers in and out
    largest_layer: int  # parameters of the largest single module
    layers: int
    width: int
    vocabulary: int
    cache: int  # numbers kept per token of a sequence: keys and values of all layers
    files: int  # bytes of tokenizer and configuration

    def trained(self, adapter: Adapter | None) -> int:
        """Parameters that are trained: all, or the two matrices of each module that has an adapter."""
        if adapter is None:
            return self.parameters
        every = adapter.target_modules == ["all-linear"]
        sizes = [sum(ends) for name, ends in self.linear.items() if every or _ends(name, adapter.target_modules)]
        return adapter.rank * sum(sizes)

    def disk(self, adapter: Adapter | None, dtype: torch.dtype) -> int:
        """Bytes of the finished folder."""
        apart = adapter is not None and not adapter.merge
        return (self.trained(adapter) if apart else self.parameters) * dtype.itemsize + self.files

    def checkpoints(self, adapter: Adapter | None, dtype: torch.dtype) -> int:
        """Bytes of all checkpoints that there are at once."""
        return CHECKPOINTS * self.trained(adapter) * (2 * dtype.itemsize + _CHECKPOINT)

    def training(self, recipe: Recipe, dtype: torch.dtype, *, devices: int, tokens: int) -> int:
        """Bytes per device while training on rows of `tokens` tokens; pairs hold two of them, and a reference model."""
        answers = 2 if recipe.method == "dpo" else 1
        held = self.states(recipe.zero_stage, dtype, devices, recipe.adapter)
        held += answers * self.activations(recipe, dtype, tokens)
        if recipe.method not in ("dpo", "kto"):
            return held
        return held + self.parameters * dtype.itemsize // (devices if recipe.zero_stage == 3 else 1)

    def states(self, zero_stage: int, dtype: torch.dtype, devices: int, adapter: Adapter | None = None) -> int:
        """Bytes per device of weights, gradients and optimiser at a ZeRO stage (Rajbhandari et al. 2020).

        With an adapter the weights beneath are held alone, without gradients and optimiser; those of 4 bits whole on
        each device.
        """
        weights, gradients, optimiser = _STATES[dtype]
        t = self.trained(adapter)
        frozen = self.parameters * weights if adapter else 0
        if adapter and adapter.quantise == "4bit":
            quantised = sum(inner * outer for inner, outer in self.linear.values())
            return (self.parameters - quantised) * weights + quantised // 2 + t * (weights + gradients + optimiser)
        if zero_stage == 0:
            return frozen + t * (weights + gradients + optimiser)
        if zero_stage == 1:
            return frozen + t * (weights + gradients) + t * optimiser // devices
        if zero_stage == 2:
            return frozen + t * weights + t * (gradients + optimiser) // devices
        return self.largest_layer * (weights + gradients) + (frozen + t * (weights + optimiser)) // devices

    def activations(self, recipe: Recipe, dtype: torch.dtype, tokens: int) -> int:
        """Bytes of one micro batch: layers, or with checkpointing their inputs and one layer anew, and the logits."""
        held = recipe.micro_batch_size * tokens
        layer = 17 * dtype.itemsize * held * self.width
        inputs = dtype.itemsize * held * self.width
        layers = inputs * self.layers + layer if recipe.gradient_checkpointing else layer * self.layers
        return layers + _LOGITS * held * self.vocabulary

    def answering(self, dtype: torch.dtype, *, sequences: int, tokens: int) -> int:
        """Bytes of the weights and of the keys and values of so many sequences of `tokens` tokens."""
        return dtype.itemsize * (self.parameters + sequences * tokens * self.cache)


def _ends(name: str, targets: list[str]) -> bool:
    """Whether peft takes the module `name` for one of `targets`."""
    return any(name == target or name.endswith(f".{target}") for target in targets)


def shape(folder: Path) -> Shape:
    """Read the configuration in `folder`; no weights are needed, and none are made."""
    config: Any = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    with torch.device("meta"):
        model: Any = AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]
            config, trust_remote_code=False
        )
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    return Shape(
        parameters=sum(weights.numel() for weights in model.parameters()),
        linear={
            name: (part.in_features, part.out_features)
            for name, part in model.named_modules()
            if isinstance(part, torch.nn.Linear) and part is not model.get_output_embeddings()
        },
        largest_layer=max(sum(w.numel() for w in part.parameters(recurse=False)) for part in model.modules()),
        layers=config.num_hidden_layers,
        width=config.hidden_size,
        vocabulary=config.vocab_size,
        cache=2 * config.num_hidden_layers * heads * head,
        files=sum(file.stat().st_size for file in folder.iterdir() if file.is_file() and file.suffix != ".safetensors"),
    )


def written(init: Path, dtype_name: str, adapter: Adapter | None, *, models: int) -> int:
    """Bytes that training from `init` writes: all checkpoints held at once, and `models` finished models, each twice.

    A finished model lies both where it was trained and where the stage copies it. `dtype_name` is a recipe's `dtype`.
    """
    dtype, size = precision.dtype(dtype_name), shape(adapters.weights(init))
    return size.checkpoints(adapter, dtype) + 2 * models * size.disk(adapter, dtype)
