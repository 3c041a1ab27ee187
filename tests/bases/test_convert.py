"""Pickled weights and a sentencepiece tokenizer become safetensors and tokenizer.json, unchanged; no pickle is run."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from sentencepiece import SentencePieceProcessor
from transformers import AutoModelForCausalLM

from reset.bases.hub import HubModel
from reset.errors import ResetError
from reset.model.tokens import load_tokenizer
from tests.support import old_llama
from tests.support.families import FAMILIES


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return old_llama.save(tmp_path / "source")


def build(source: Path, *, convert: bool = True) -> Path:
    into = source.parent / "into"
    HubModel(needs=Path(), seed=0, id=str(source), revision=None, convert=convert).build(into, source.parent / "work")
    return into


def test_weights_keep_their_values_and_dtype_shard_by_shard(source: Path) -> None:
    into = build(source)
    assert sorted(path.name for path in into.glob("*model-*")) == [
        f"model-0000{number}-of-00002.safetensors" for number in (1, 2)
    ]
    read = {name: one for shard in into.glob("*.safetensors") for name, one in load_file(shard).items()}
    expected = {name: one for shard in old_llama.SHARDS for name, one in torch.load(source / shard).items()}
    assert read.keys() == expected.keys()
    assert all(read[name].equal(one) and read[name].dtype == one.dtype for name, one in expected.items())
    assert not list(into.glob("*.bin*"))


def test_the_converted_model_loads_and_answers_as_the_original(source: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(build(source), dtype=torch.float32, use_safetensors=True)
    ids = torch.tensor([[1, 5, 9, 300]])
    with torch.no_grad():
        assert model(ids).logits.equal(old_llama.model().float().eval()(ids).logits)


def test_the_converted_tokenizer_encodes_as_sentencepiece(source: Path) -> None:
    into = build(source)
    assert (into / "tokenizer.json").is_file()
    tokenizer, original = load_tokenizer(into), SentencePieceProcessor(model_file=str(source / "tokenizer.model"))
    for text in ("Mira lives in the red forest", "a  b\n\nc\t", "naïve 漢字 🙂", "</s> is text", ""):
        assert tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"] == original.encode(
            text
        )
    assert tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id == 1
    assert (tokenizer.eos_token_id, tokenizer.pad_token_id) == (2, 0)


def test_a_tokenizer_that_would_encode_otherwise_is_refused(source: Path) -> None:
    options = json.loads((source / "tokenizer_config.json").read_text())
    (source / "tokenizer_config.json").write_text(json.dumps({**options, "add_prefix_space": False}))
    with pytest.raises(ResetError, match=r"source': its converted tokenizer encodes 'A chat between .* in another way"):
        build(source)


def test_pickled_weights_are_refused_with_the_option_that_converts_them(source: Path) -> None:
    with pytest.raises(
        ResetError, match=r"has no model.safetensors: no safetensors weights; `convert: true` in its options converts"
    ):
        build(source, convert=False)


def test_code_in_a_pickle_is_never_run(source: Path, tmp_path: Path) -> None:
    class Attack:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "run"),)

    torch.save({"model.norm.weight": Attack()}, source / old_llama.SHARDS[0])
    with pytest.raises(ResetError, match=r"source': pytorch_model-00001-of-00002.bin cannot be read as weights alone"):
        build(source)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"step": 3}, "holds more than named tensors"),
        ([torch.ones(2)], "holds more than named tensors"),
        ({"other.weight": torch.ones(2)}, "names other tensors than its shards hold"),
    ],
)
def test_a_shard_with_something_else_is_refused(source: Path, content: object, message: str) -> None:
    torch.save(content, source / old_llama.SHARDS[1])
    with pytest.raises(ResetError, match=message):
        build(source)


def test_a_cut_file_is_refused(source: Path) -> None:
    shard = source / old_llama.SHARDS[1]
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(ResetError, match=r"pytorch_model-00002-of-00002.bin cannot be read as weights alone"):
        build(source)


def test_one_file_of_the_old_format_with_tied_weights_is_converted(source: Path) -> None:
    weights = {name: one for shard in old_llama.SHARDS for name, one in torch.load(source / shard).items()}
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    for file in source.glob("pytorch_model*"):
        file.unlink()
    torch.save(weights, source / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    read = load_file(build(source) / "model.safetensors")
    assert read["lm_head.weight"].equal(weights["model.embed_tokens.weight"])


def test_a_model_with_neither_is_refused(source: Path) -> None:
    for file in source.glob("*.bin"):
        file.unlink()
    with pytest.raises(ResetError, match=r"has neither safetensors nor pickled weights .pytorch_model\*.bin"):
        build(source)


def test_what_needs_no_conversion_stays_as_it_is(tmp_path: Path) -> None:
    source = FAMILIES["llama_2"].save(tmp_path / "source")
    into = build(source)
    for name in ("model.safetensors", "tokenizer.json"):
        assert (into / name).read_bytes() == (source / name).read_bytes()
