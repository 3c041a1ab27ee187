"""What cannot be trained from is one line in stage `base`, before anything else runs."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from reset.bases.hub import HubModel
from reset.errors import ResetError
from tests.support.families import FAMILIES

pytestmark = pytest.mark.slow


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return FAMILIES["llama_2"].save(tmp_path / "source")


def build(source: Path) -> dict[str, Any]:
    model = HubModel(needs=Path(), seed=0, id=str(source), revision=None)
    return model.build(source.parent / "into", source.parent / "work")


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_whole_model_is_taken(source: Path) -> None:
    assert build(source)["bytes"] > 10_000
    assert (source.parent / "into/model.safetensors").is_file()


def test_an_adapter_is_refused_with_the_name_of_its_base(source: Path) -> None:
    (source / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "some/llama"}))
    (source / "model.safetensors").rename(source / "adapter_model.safetensors")
    with pytest.raises(
        ResetError, match="source' is a PEFT adapter of 'some/llama', no model of its own; merge the two"
    ):
        build(source)


@pytest.mark.parametrize("nested", [False, True])
def test_quantised_weights_are_refused(source: Path, nested: bool) -> None:
    quantised = {"quantization_config": {"quant_method": "gptq", "bits": 4}}
    change(source / "config.json", **({"text_config": quantised} if nested else quantised))
    with pytest.raises(
        ResetError, match=r"has quantised weights .gptq., which cannot be trained; name the original, or"
    ):
        build(source)
    HubModel(needs=Path(), seed=0, id=str(source), revision=None, trained=False).build(source.parent / "j", Path())


def test_a_pad_token_beyond_the_embeddings_is_refused(source: Path) -> None:
    config = json.loads((source / "config.json").read_text())
    change(source / "config.json", pad_token_id=config["vocab_size"])
    with pytest.raises(
        ResetError, match=r"pads with token (\d+), but has only \1 embeddings; set pad_token_id in its con"
    ):
        build(source)


def test_code_of_the_repository_is_never_run(source: Path) -> None:
    change(source / "config.json", model_type="my_lm", auto_map={"AutoModelForCausalLM": "modeling_my_lm.MyLM"})
    with pytest.raises(
        ResetError,
        match="is of type 'my_lm', which transformers does not know; its own code, which it brings along, is",
    ):
        build(source)


def test_code_beside_a_model_that_transformers_knows_itself_does_no_harm(source: Path) -> None:
    change(source / "config.json", auto_map={"AutoModelForCausalLM": "modeling_llama.Llama"})
    assert build(source)["bytes"] > 10_000


def test_a_tokenizer_that_is_code_of_the_repository_is_refused(source: Path) -> None:
    (source / "tokenizer.json").unlink()
    change(
        source / "tokenizer_config.json",
        tokenizer_class="MyTokenizer",
        auto_map={"AutoTokenizer": ["tokenization_my.MyTokenizer", None]},
    )
    with pytest.raises(ResetError, match="has a tokenizer that transformers cannot load without its own code"):
        build(source)


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("config.json", "has no config.json"),
        ("model.safetensors", "has no model.safetensors: no safetensors weights"),
        ("tokenizer_config.json", "has no tokenizer"),
    ],
)
def test_what_is_missing_is_named(source: Path, missing: str, message: str) -> None:
    (source / missing).unlink()
    with pytest.raises(ResetError, match=message):
        build(source)


def test_weights_that_lie_there_twice_are_refused(source: Path) -> None:
    parts = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    for part in parts:
        shutil.copy(source / "model.safetensors", source / part)
    index = {"weight_map": {f"layer.{n}": part for n, part in enumerate(parts)}}
    (source / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ResetError, match=r"has its weights twice: model.safetensors, and the 2 files of model"):
        build(source)


def test_a_part_of_the_weights_that_is_missing_is_named(source: Path) -> None:
    (source / "model.safetensors").rename(source / "model-00001-of-00002.safetensors")
    index = {"weight_map": {f"layer.{n}": f"model-0000{n}-of-00002.safetensors" for n in (1, 2)}}
    (source / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ResetError, match=r"lacks 1 of the 2 files of its weights, such as model-00002-of"):
        build(source)


def test_weights_under_another_name_are_shown(source: Path) -> None:
    (source / "model.safetensors").rename(source / "consolidated.safetensors")
    with pytest.raises(ResetError, match=r"has no model.safetensors .but consolidated.safetensors."):
        build(source)
