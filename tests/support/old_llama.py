"""A tiny LLaMA as the hub has older ones: pickled weights in float16, in two shards, and a sentencepiece tokenizer."""

import io
import json
from pathlib import Path
from typing import Any

import torch
from sentencepiece import SentencePieceTrainer
from transformers import LlamaConfig, LlamaForCausalLM

from tests.support.tiny_tokenizers import TEXT

SHARDS = tuple(f"pytorch_model-0000{number}-of-00002.bin" for number in (1, 2))


def pieces() -> bytes:
    """A sentencepiece model with LLaMA's options."""
    made = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT.split("\n")),
        model_writer=made,
        model_type="bpe",
        vocab_size=340,
        byte_fallback=True,
        split_digits=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        allow_whitespace_only_pieces=True,
        minloglevel=2,
    )
    return made.getvalue()


def model(**options: Any) -> LlamaForCausalLM:
    """The model, with random weights in float16; `options` are those of its configuration."""
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = LlamaForCausalLM(LlamaConfig(vocab_size=340, **{**sizes, **options}))
    for weights in made.parameters():
        weights.data = weights.data.half()
    return made


def save(folder: Path, made: LlamaForCausalLM | None = None) -> Path:
    """Save model and tokenizer in `folder`, with the files and fields of lmsys/vicuna-7b-v1.1."""
    folder.mkdir()
    made = made or model()
    weights = dict(made.state_dict())
    weights |= {f"model.layers.{layer}.self_attn.rotary_emb.inv_freq": torch.ones(4) for layer in (0, 1)}
    names = list(weights)
    halves = {SHARDS[0]: names[:9], SHARDS[1]: names[9:]}
    for shard, half in halves.items():
        torch.save({name: weights[name] for name in half}, folder / shard)
    index = {
        "metadata": {"total_size": sum(one.nbytes for one in weights.values())},
        "weight_map": {name: shard for shard, half in halves.items() for name in half},
    }
    _write(folder / "pytorch_model.bin.index.json", index)
    _write(folder / "config.json", {**made.config.to_dict(), "architectures": ["LlamaForCausalLM"]})
    (folder / "tokenizer.model").write_bytes(pieces())
    _tokenizer_options(folder)
    return folder


def _tokenizer_options(folder: Path) -> None:
    how = {"__type": "AddedToken", "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
    special = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    options = {
        "add_bos_token": True,
        "add_eos_token": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": 2048,
        "pad_token": None,
        "sp_model_kwargs": {},
        "tokenizer_class": "LlamaTokenizer",
        **{name: {**how, "content": token} for name, token in special.items()},
    }
    _write(folder / "tokenizer_config.json", options)
    _write(folder / "special_tokens_map.json", {**special, "pad_token": "<unk>"})


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content))
