"""Sizes of a model of every family follow from its configuration."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, PretrainedConfig, Qwen2Config

from reset.model import adapters
from reset.params.training import Recipe
from reset.planning import model_size
from reset.training import attention
from tests.support.families import FAMILIES

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", FAMILIES)
def test_parameters_and_widths_are_those_of_the_model(tmp_path: Path, name: str) -> None:
    config = FAMILIES[name].configuration()
    config.save_pretrained(tmp_path)
    shape = model_size.shape(tmp_path)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    assert shape.parameters == sum(weights.numel() for weights in model.parameters())
    assert (shape.layers, shape.width, shape.vocabulary) == (2, 32, len(FAMILIES[name].tokenizer()))


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("llama_2", 2 * 2 * 2 * 8),  # layers, keys and values, heads, width of a head
        ("gemma_3_images", 2 * 2 * 2 * 8),
        ("qwen_3_next", 1 * 2 * 2 * 8),  # one layer of two has keys
        ("lfm_2", 1 * 2 * 2 * 8),
        ("falcon_h1", 2 * 2 * 2 * 8),  # each layer has both
        ("mamba", 0),
    ],
)
def test_only_layers_with_keys_and_values_have_a_cache_per_token(tmp_path: Path, name: str, numbers: int) -> None:
    FAMILIES[name].configuration().save_pretrained(tmp_path)
    assert model_size.shape(tmp_path).cache == numbers


@pytest.mark.parametrize("name", ["llama_2", "gpt_2", "qwen_3"])
def test_an_adapter_is_counted_in_every_family(tmp_path: Path, name: str) -> None:
    adapter = adapters.Adapter(4, 8.0, 0.0, ["all-linear"], quantise="none", merge=False)
    made = adapters.start(FAMILIES[name].save(tmp_path), adapter, seed=0)
    trained = sum(weights.numel() for weights in made.parameters() if weights.requires_grad)
    assert model_size.shape(tmp_path).trained(adapter) == trained


def _kept(config: PretrainedConfig, dtype: torch.dtype, tokens: int) -> int:
    """Bytes that the layers of a model keep for the backward pass, without its weights."""
    model = AutoModelForCausalLM.from_config(config, dtype=dtype)
    if dtype is torch.bfloat16:
        attention.in_float32(model)
    weights = {weight.untyped_storage()._cdata for weight in model.parameters()}
    kept: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage()._cdata] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        ids = torch.ones((1, tokens), dtype=torch.long)
        mask = (torch.arange(tokens) < tokens - 5).long()[None]  # a padded row, as most batches have
        result = model.base_model(ids, attention_mask=mask, use_cache=False)
    assert result.last_hidden_state.requires_grad
    return sum(tensor.untyped_storage().nbytes() for key, tensor in kept.items() if key not in weights)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize(
    "made",
    [
        partial(LlamaConfig, hidden_size=576, intermediate_size=1536, num_attention_heads=9, num_key_value_heads=3),
        partial(Qwen2Config, hidden_size=384, intermediate_size=2240, num_attention_heads=6, num_key_value_heads=1),
    ],
    ids=["SmolLM2", "Qwen 2.5"],
)
def test_activations_are_those_that_a_pass_keeps(tmp_path: Path, made: Any, dtype: torch.dtype) -> None:
    """As the difference of two depths, which embeddings and masks have in common."""
    recipe = SimpleNamespace(method="sft", micro_batch_size=1, micro_batch_tokens=None, gradient_checkpointing=False)
    found, planned = [], []
    for layers in (1, 3):
        config = made(vocab_size=256, num_hidden_layers=layers)
        config.save_pretrained(tmp_path)
        shape = model_size.shape(tmp_path)
        planned.append(shape.activations(cast(Recipe, recipe), dtype, 128))
        found.append(_kept(config, dtype, 128))
    assert planned[1] - planned[0] == pytest.approx(found[1] - found[0], rel=0.1)


def test_answering_on_a_cpu_counts_the_process_the_cache_and_the_reading_of_prompts(tmp_path: Path) -> None:
    """SmolLM2-135M took 3.99 GB for 150 prompts of at most 416 tokens, and 1.95 GB for 56 (docs/real-text.md)."""
    shape_of = {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9}
    LlamaConfig(**shape_of, vocab_size=49152, num_key_value_heads=3, tie_word_embeddings=True).save_pretrained(tmp_path)
    smol = model_size.shape(tmp_path)
    for sequences, took in ((150, 3.99e9), (56, 1.95e9)):
        planned = smol.answering(torch.bfloat16, sequences=sequences, prompt_tokens=416, answer_tokens=96)
        assert planned == pytest.approx(took, rel=0.15)
