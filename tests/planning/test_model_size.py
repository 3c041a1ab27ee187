"""Sizes of a model of every family follow from its configuration."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from reset.model import adapters
from reset.planning import model_size
from tests.support.families import FAMILIES


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
