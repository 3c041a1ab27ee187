"""The mean of two models is that of their weights, and what has no mean is refused in one line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from reset.errors import ResetError
from reset.interpolation import interpolate
from reset.model import generation
from tests.support.families import FAMILIES

pytestmark = pytest.mark.slow


def model(folder: Path, seed: int, name: str = "llama_3", dtype: torch.dtype = torch.float32, **saving: Any) -> Path:
    """Save a random model of a family, other weights for each seed."""
    family = FAMILIES[name]
    torch.manual_seed(seed)
    made = AutoModelForCausalLM.from_config(family.configuration(), dtype=torch.float32)
    for weights in made.parameters():
        weights.data.normal_()
    made.to(dtype).save_pretrained(folder, **saving)
    family.tokenizer().save_pretrained(folder)
    return folder


def load(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True)


@pytest.fixture
def into(tmp_path: Path) -> Path:
    (tmp_path / "mean").mkdir()
    return tmp_path / "mean"


@pytest.mark.parametrize("name", ["llama_3", "gemma_3", "gpt_2", "qwen_3"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("weight", [0.5, 0.25])
def test_it_is_the_mean_of_the_state_dicts(
    tmp_path: Path, into: Path, name: str, dtype: torch.dtype, weight: float
) -> None:
    a, b = model(tmp_path / "a", 1, name, dtype), model(tmp_path / "b", 2, name, dtype)
    counts = interpolate(a, b, weight, into)
    mean, one, two = load(into), load(a).state_dict(), load(b).state_dict()
    for key, own in mean.state_dict().items():
        assert own.dtype == one[key].dtype == dtype
        wanted = ((1 - weight) * one[key].double() + weight * two[key].double()).to(dtype)
        torch.testing.assert_close(own, wanted, rtol=1e-2 if dtype == torch.bfloat16 else 1e-6, atol=1e-6)
        assert not torch.equal(own, one[key])
    assert counts["tensors"] == len(load_file(a / "model.safetensors"))
    tied = mean.config.get_text_config().tie_word_embeddings
    assert (mean.get_output_embeddings().weight is mean.get_input_embeddings().weight) == tied
    assert AutoTokenizer.from_pretrained(into).get_vocab() == AutoTokenizer.from_pretrained(a).get_vocab()


def test_models_in_several_files_and_in_one_have_the_same_mean(tmp_path: Path, into: Path) -> None:
    a, b = model(tmp_path / "a", 1, max_shard_size="20KB"), model(tmp_path / "b", 2)
    assert len(list(a.glob("*.safetensors"))) > 1
    interpolate(a, b, 0.5, into)
    assert {path.name for path in into.glob("model*")} == {path.name for path in a.glob("model*")}
    mean, one, two = (load(folder).state_dict() for folder in (into, a, b))
    assert all(torch.equal(mean[key], torch.lerp(one[key], two[key], 0.5)) for key in mean)


def test_a_mean_keeps_what_is_equal_and_the_first_model_s_dtype_and_stops_where_either_does(
    tmp_path: Path, into: Path
) -> None:
    a = model(tmp_path / "a", 1, dtype=torch.bfloat16)
    b = shutil.copytree(a, tmp_path / "b")
    generation.stop_at(b, 7)
    interpolate(a, b, 0.3, into)
    assert (into / "model.safetensors").read_bytes() == (a / "model.safetensors").read_bytes()
    assert generation.ends(into) == [*generation.ends(a), 7]
    shutil.rmtree(into)
    into.mkdir()
    interpolate(a, model(tmp_path / "c", 2), 0.5, into)
    assert load(into).dtype == torch.bfloat16


def _without_a_tensor(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights.pop("model.norm.weight")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def _with_another_shape(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"] = torch.zeros(5)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def _with_another_word(folder: Path) -> None:
    content = json.loads((folder / "tokenizer.json").read_text())
    content["model"]["vocab"]["a"], content["model"]["vocab"]["b"] = (content["model"]["vocab"][c] for c in "ba")
    (folder / "tokenizer.json").write_text(json.dumps(content))


def _of_another_type(folder: Path) -> None:
    content = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**content, "model_type": "mistral"}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without_a_tensor, "a and .*b cannot be averaged: only .*a has the weights 'model.norm.weight'"),
        (_with_another_shape, r"'model.norm.weight' is \[32\] in the first, \[5\] in the second"),
        (_with_another_word, "cannot be averaged: their tokenizers differ"),
        (_of_another_type, "one is of type llama, the other mistral"),
        (lambda folder: (folder / "model.safetensors").unlink(), "b: no safetensors weights there"),
        (lambda folder: (folder / "adapter_config.json").write_text("{}"), "b keeps its adapter apart"),
    ],
)
def test_models_without_a_mean_are_refused(
    tmp_path: Path, into: Path, change: Callable[[Path], Any], message: str
) -> None:
    a, b = model(tmp_path / "a", 1), model(tmp_path / "b", 2)
    change(b)
    with pytest.raises(ResetError, match=message):
        interpolate(a, b, 0.5, into)


def test_about_one_tensor_is_in_memory(tmp_path: Path, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No tensor is asked for before the one before it is written."""
    from reset import interpolation

    a, b = model(tmp_path / "a", 1), model(tmp_path / "b", 2)
    order: list[str] = []
    mean, written = interpolation._mean, interpolation._bytes
    monkeypatch.setattr(interpolation, "_mean", lambda name, *rest: (order.append("read"), mean(name, *rest))[1])
    monkeypatch.setattr(interpolation, "_bytes", lambda one: (order.append("written"), written(one))[1])
    counts = interpolate(a, b, 0.5, into)
    assert order == ["read", "written"] * counts["tensors"]
