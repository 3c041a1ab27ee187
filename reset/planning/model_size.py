"""Estimate a model's size from its configuration: parameters, bytes on disk, memory in training and in sampling.

Training memory is the sum of three terms. Model states are counted as DeepSpeed's own estimators do
(`estimate_zero2_model_states_mem_needs` and `estimate_zero3_model_states_mem_needs` of 0.19, without offload).
Activations are those that the layers of a gated decoder (LLaMA, Qwen) keep for the backward pass, in the manner of
Korthikanti et al. (2022, "Reducing Activation Recomputation in Large Transformer Models"), whose 34 bytes per token and
unit of width hold for an MLP of four times the width without a gate. Attention scores are left out, which fused kernels
do not store. Logits are those of `reset.training.sft`; for a
large vocabulary, of a tile of `reset.training.fused_head`. On a CPU the memory of a process without a model is added;
on a GPU that of kernels and allocators is not. In bfloat16 on a CPU, activations take a third more than their tensors.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, DynamicCache
from transformers.cache_utils import DynamicLayer
from transformers.pytorch_utils import Conv1D

from reset.model import adapters, onednn, precision
from reset.params.training import PREFERENCES, Recipe
from reset.params.training import Adapter as AdapterRow

Adapter = AdapterRow | adapters.Adapter

_STATE_BYTES = {  # per parameter: weights, gradients, optimiser states (with float32 copies)
    torch.bfloat16: (2, 2, 16),
    torch.float32: (4, 4, 8),
}
_LOGIT_BYTES = 2 + 4 + 4 + 4  # per logit: as computed, in float32, softmax, gradient
_TILE_BYTES = 29  # per logit of a tile of TRL's fused head on a CPU, beside itself: seven times float32, a mask
_TILE = (4096, 32768)  # most tokens and words of a tile
_TILE_LOGITS = 1 << 24  # most logits of a tile on a CPU
_LARGE = 4096  # words of a vocabulary from which on `reset.training.fused_head` is used
_PIECES = 1.3  # of activations in bfloat16 on a CPU: malloc frees them in pieces that do not fit again
PROCESS = 750_000_000  # a process on a CPU without a model: Python and its libraries
_ROOM = 64  # spare tokens of a sequence in the cache of `reset.engines.transformers`
_CHECKPOINT_BYTES = 12  # optimiser states per parameter in a checkpoint
CHECKPOINTS = 2  # most that exist at once: the next is written before the last is deleted


@dataclass(frozen=True)
class Shape:
    """The sizes of a model that follow from its configuration."""

    parameters: int  # tied ones counted once
    linear: dict[str, tuple[int, int]]  # linear modules except the head: (in, out), in GPT-2 the reverse
    largest_layer: int  # parameters of the largest single module
    layers: int
    width: int
    vocabulary: int
    cache: int  # numbers in the KV cache per token: keys and values of all layers
    files: int  # bytes of tokenizer and configuration
    tied: int  # numbers of a head that shares the embeddings' matrix, else 0

    def trained(self, adapter: Adapter | None) -> int:
        """Number of trained parameters: all, or the two matrices of each module that has an adapter."""
        if adapter is None:
            return self.parameters
        all_linear = adapter.target_modules == ["all-linear"]
        features = [
            sum(in_and_out)
            for name, in_and_out in self.linear.items()
            if all_linear or _is_target(name, adapter.target_modules)
        ]
        return adapter.rank * sum(features)

    def disk(self, adapter: Adapter | None, dtype: torch.dtype) -> int:
        """Bytes of the finished model's folder."""
        adapter_only = adapter is not None and not adapter.merge
        return (self.trained(adapter) if adapter_only else self.parameters) * dtype.itemsize + self.files

    def checkpoints(self, adapter: Adapter | None, dtype: torch.dtype) -> int:
        """Bytes of all checkpoints that exist at once: `CHECKPOINTS`."""
        return CHECKPOINTS * self.checkpoint(adapter, dtype)

    def checkpoint(self, adapter: Adapter | None, dtype: torch.dtype) -> int:
        """Bytes of one checkpoint: weights, optimiser states, and the weights with the lowest dev loss so far."""
        return self.trained(adapter) * (2 * dtype.itemsize + _CHECKPOINT_BYTES)

    def training(self, recipe: Recipe, dtype: torch.dtype, *, devices: int, tokens: int) -> int:
        """Bytes per device while training on rows of `tokens` tokens.

        DPO trains on two answers per row; DPO and KTO also hold a reference model, unless it is that of an adapter.
        """
        states = self.states(recipe.zero_stage, dtype, devices, recipe.adapter)
        pieces = _PIECES if dtype is torch.bfloat16 and not torch.cuda.is_available() else 1.0
        total = states + round(pieces * self.activations(recipe, dtype, tokens))
        if recipe.method in PREFERENCES and not recipe.adapter:
            total += self.parameters * dtype.itemsize // (devices if recipe.zero_stage == 3 else 1)
        return total if torch.cuda.is_available() else PROCESS + max(total, self._copied(states, dtype))

    def _copied(self, states: int, dtype: torch.dtype) -> int:
        """Bytes of the states while there is another copy of them in float32.

        That is of the weights as they are saved, or of the gradients as ranks add them up; in bfloat16, where the
        weights of DeepSpeed's optimiser are saved, of the weights as they are loaded, before the optimiser has states.
        """
        return 4 * self.parameters + (states if dtype is torch.float32 else dtype.itemsize * self.parameters)

    def states(self, zero_stage: int, dtype: torch.dtype, devices: int, adapter: Adapter | None = None) -> int:
        """Bytes per device of weights, gradients and optimiser states at a ZeRO stage (Rajbhandari et al. 2020).

        With an adapter, the frozen weights have neither gradients nor optimiser states. 4-bit weights are not
        partitioned: each device holds all of them.
        """
        weights, gradients, optimiser = _STATE_BYTES[dtype]
        t = self.trained(adapter)
        frozen = self.parameters * weights if adapter else 0
        if adapter and adapter.quantise == "4bit":
            quantised = sum(n_in * n_out for n_in, n_out in self.linear.values())
            return (self.parameters - quantised) * weights + quantised // 2 + t * (weights + gradients + optimiser)
        if zero_stage == 0:
            return frozen + t * (weights + gradients + optimiser)
        if zero_stage == 1:
            return frozen + t * (weights + gradients) + t * optimiser // devices
        if zero_stage == 2:
            return frozen + t * weights + t * (gradients + optimiser) // devices
        return self.largest_layer * (weights + gradients) + (frozen + t * (weights + optimiser)) // devices

    def activations(self, recipe: Recipe, dtype: torch.dtype, tokens: int) -> int:
        """Bytes of one pass over rows of `tokens` tokens: activations of all layers, and logits.

        DPO has two answers to a row. With gradient checkpointing, only the inputs of all layers and the recomputed
        activations of one layer.
        """
        batch_tokens = recipe.micro_batch_size * tokens * (2 if recipe.method == "dpo" else 1)
        if recipe.micro_batch_tokens is not None:
            batch_tokens = min(batch_tokens, max(recipe.micro_batch_tokens, tokens))
        every = dtype.itemsize * batch_tokens * self._kept(dtype)
        inputs = dtype.itemsize * batch_tokens * self.width * self.layers
        layers = inputs + every // self.layers if recipe.gradient_checkpointing else every
        return layers + self._logits(batch_tokens, dtype)

    def _kept(self, dtype: torch.dtype) -> int:
        """Numbers that all layers keep per token.

        What each linear module returns; of those that widen, its activation and its product too; of a layer, the
        results of attention and of two norms, whose inputs are kept in float32 as well. On a CPU all that attention
        reads and writes is (`reset.training.attention`).
        """
        features = self.linear.values()
        widened = sum(n_out for n_in, n_out in features if n_out > n_in)
        whole = 5 if dtype is torch.float32 else 7 if torch.cuda.is_available() else 14
        return sum(n_out for _, n_out in features) + widened + whole * self.width * self.layers

    def _logits(self, tokens: int, dtype: torch.dtype) -> int:
        """Bytes of the logits of a pass with `tokens` trained tokens, and of the float32 gradient of a fused head."""
        if self.vocabulary < _LARGE:
            return _LOGIT_BYTES * tokens * self.vocabulary
        rows, words = min(tokens, _TILE[0]), min(self.vocabulary, _TILE[1])
        logits, each = rows * words, dtype.itemsize
        if not torch.cuda.is_available():
            logits, each = min(logits, _TILE_LOGITS), each + _TILE_BYTES
        return each * logits + 4 * self.vocabulary * self.width

    def answering(self, dtype: torch.dtype, *, sequences: int, prompt_tokens: int, answer_tokens: int) -> int:
        """Bytes of the weights, of the KV cache of `sequences` sequences, and of reading their prompts at once.

        One layer at a time is read: its MLP has three results of the widest module, and three of the model's width are
        there beside them; in fewer bits than float32 as many as eight, since norms compute in that. On a CPU the memory
        of a process is added, and in float32 the head's copy in oneDNN's layout.
        """
        cached = sequences * (prompt_tokens + answer_tokens + _ROOM) * self.cache
        widest = max((max(features) for features in self.linear.values()), default=self.width)
        beside = 3 if dtype is torch.float32 else 8
        read = sequences * prompt_tokens * (3 * widest + beside * self.width)
        total = dtype.itemsize * (self.parameters + cached + read)
        if torch.cuda.is_available():
            return total
        copied = self.tied if dtype is torch.float32 and self.tied >= onednn.LARGE else 0
        return PROCESS + total + dtype.itemsize * copied


def _is_target(name: str, targets: list[str]) -> bool:
    """Whether peft puts an adapter on the module `name`, given `target_modules`."""
    return any(name == target or name.endswith(f".{target}") for target in targets)


def shape(folder: Path) -> Shape:
    """Compute the sizes of the model configured in `folder`; its weights are neither needed nor allocated."""
    config: Any = AutoConfig.from_pretrained(folder, trust_remote_code=False)  # nosec B615: a local folder
    with torch.device("meta"):
        model: Any = AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]
            config, trust_remote_code=False
        )
    config = config.get_text_config()  # of a model that reads images too
    head, read = model.get_output_embeddings(), model.get_input_embeddings()
    return Shape(
        parameters=sum(weights.numel() for weights in model.parameters()),
        linear={
            name: (part.weight.shape[1], part.weight.shape[0])
            for name, part in model.named_modules()
            if isinstance(part, torch.nn.Linear | Conv1D) and part is not head
        },
        largest_layer=max(sum(w.numel() for w in part.parameters(recurse=False)) for part in model.modules()),
        layers=config.num_hidden_layers,
        width=config.hidden_size,
        vocabulary=config.vocab_size,
        cache=_cache(config),
        files=sum(file.stat().st_size for file in folder.iterdir() if file.is_file() and file.suffix != ".safetensors"),
        tied=head.weight.numel() if head is not None and head.weight is read.weight else 0,
    )


def _cache(config: Any) -> int:
    """Numbers in the cache per token: keys and values of all layers that keep them."""
    kept = DynamicCache(config=config).layers  # as many as layers, or fewer where some share theirs
    numbers = 0
    for layer, one in zip(kept, config.per_layer_config, strict=False):
        if isinstance(layer, DynamicLayer):
            head = getattr(one, "head_dim", None) or one.hidden_size // one.num_attention_heads
            numbers += 2 * head * (getattr(one, "num_key_value_heads", None) or one.num_attention_heads)
    return numbers


def written(init: Path, dtype_name: str, adapter: Adapter | None, *, models: int) -> int:
    """Bytes that training from `init` needs on disk: checkpoints, and `models` finished models, each twice.

    A finished model exists both where it was trained and where the stage copies it. `dtype_name` is a recipe's `dtype`.
    """
    dtype, size = precision.dtype(dtype_name), shape(adapters.weights(init))
    return size.checkpoints(adapter, dtype) + 2 * models * size.disk(adapter, dtype)
