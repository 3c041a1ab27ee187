"""The models of scale `paper`, with random weights: the real architectures, configurations, label names and files.

Only sizes are smaller. huggyllama/llama-7b has safetensors and a tokenizer.json, lmsys/vicuna-7b-v1.1 pickled weights
in two shards and a sentencepiece tokenizer alone, the ALBERT of VitaminC pickled weights, a sentencepiece tokenizer
and FEVER's labels, the cross-encoder safetensors and MNLI's labels.
"""

import io
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from sentencepiece import SentencePieceTrainer
from transformers import (
    AlbertConfig,
    AlbertForSequenceClassification,
    AutoTokenizer,
    DebertaV2Config,
    DebertaV2ForSequenceClassification,
    LlamaForCausalLM,
)

from tests.support import old_llama
from tests.support.tiny_tokenizers import TEXT

LLAMA, VICUNA = "models/huggyllama/llama-7b", "models/lmsys/vicuna-7b-v1.1"
ALBERT, DEBERTA = "models/tals/albert-xlarge-vitaminc-mnli", "models/cross-encoder/nli-deberta-v3-base"
FEVER = ("SUPPORTS", "REFUTES", "NOT ENOUGH INFO")
MNLI = ("contradiction", "entailment", "neutral")
END, BYTES = 2.5, 0.3  # factors of rows of the head: random answers then end, and have words


def save(folder: Path) -> dict[str, Path]:
    """Save all of them; repository -> folder."""
    folder.mkdir(exist_ok=True)
    vicuna = old_llama.save(folder / "vicuna", _ending())
    return {
        LLAMA: _llama(folder / "llama", vicuna),
        VICUNA: vicuna,
        ALBERT: _albert(folder / "albert"),
        DEBERTA: _deberta(folder / "deberta"),
    }


def _ending() -> LlamaForCausalLM:
    """A LLaMA whose next tokens are far from equally likely, and whose answers end."""
    heads = {"num_attention_heads": 1, "num_key_value_heads": 1}  # of 32 numbers, which vLLM takes on a CPU
    made = old_llama.model(initializer_range=0.3, max_position_embeddings=2048, pad_token_id=0, **heads)
    with torch.no_grad():
        made.lm_head.weight[2] *= END
        made.lm_head.weight[3:259] *= BYTES
    return made


def _llama(folder: Path, vicuna: Path) -> Path:
    """Save the model with safetensors in two shards; Vicuna's tokenizer, as tokenizer.json too."""
    AutoTokenizer.from_pretrained(vicuna).save_pretrained(folder)
    weights, shards = dict(_ending().state_dict()), [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    halves = dict(zip(shards, (list(weights)[:9], list(weights)[9:]), strict=True))
    for shard, names in halves.items():
        save_file({name: weights[name].contiguous() for name in names}, folder / shard, metadata={"format": "pt"})
    total = sum(one.nbytes for one in weights.values())
    index = {"metadata": {"total_size": total}, "weight_map": {n: s for s, names in halves.items() for n in names}}
    _write(folder / "model.safetensors.index.json", index)
    _write(folder / "config.json", json.loads((vicuna / "config.json").read_text()))
    _write(folder / "generation_config.json", {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0})
    (folder / "tokenizer.model").write_bytes((vicuna / "tokenizer.model").read_bytes())
    return folder


def _pieces(special: list[str], **ids: int) -> bytes:
    """A sentencepiece model of whole words, as ALBERT's and DeBERTa's."""
    made = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT.split("\n")),
        model_writer=made,
        model_type="unigram",
        vocab_size=120,
        hard_vocab_limit=False,
        control_symbols=special,
        minloglevel=2,
        **ids,
    )
    return made.getvalue()


def _labelled(labels: tuple[str, ...]) -> dict[str, Any]:
    return {"id2label": dict(enumerate(labels)), "label2id": {label: number for number, label in enumerate(labels)}}


def _albert(folder: Path) -> Path:
    folder.mkdir()
    special = ["[CLS]", "[SEP]", "[MASK]"]
    pieces = _pieces(special, pad_id=0, unk_id=1, bos_id=-1, eos_id=-1)
    sizes = {"embedding_size": 16, "hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4}
    shared = {"num_hidden_layers": 4, "vocab_size": 200, "initializer_range": 0.3}
    config = AlbertConfig(**sizes, **shared, **_labelled(FEVER), pad_token_id=0, bos_token_id=2, eos_token_id=3)
    torch.manual_seed(0)
    model = AlbertForSequenceClassification(config)
    torch.save(dict(model.state_dict()), folder / "pytorch_model.bin")
    _write(folder / "config.json", {**config.to_dict(), "architectures": ["AlbertForSequenceClassification"]})
    (folder / "spiece.model").write_bytes(pieces)
    named = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "<pad>", "unk_token": "<unk>"}
    named |= {"bos_token": "[CLS]", "eos_token": "[SEP]", "mask_token": "[MASK]"}
    _write(folder / "special_tokens_map.json", named)
    how = {"do_lower_case": True, "remove_space": True, "keep_accents": False, "model_max_length": 512}
    _write(folder / "tokenizer_config.json", {**named, **how, "tokenizer_class": "AlbertTokenizer"})
    return folder


def _deberta(folder: Path) -> Path:
    folder.mkdir()
    pieces = _pieces(
        [],
        pad_id=0,
        bos_id=1,
        eos_id=2,
        unk_id=3,
        pad_piece="[PAD]",
        bos_piece="[CLS]",
        eos_piece="[SEP]",
        unk_piece="[UNK]",
    )
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "num_hidden_layers": 2}
    kind = {
        "relative_attention": True,
        "max_relative_positions": -1,
        "position_buckets": 256,
        "norm_rel_ebd": "layer_norm",
    }
    kind |= {
        "share_att_key": True,
        "pos_att_type": ["p2c", "c2p"],
        "position_biased_input": False,
        "type_vocab_size": 0,
    }
    config = DebertaV2Config(**sizes, **kind, **_labelled(MNLI), vocab_size=200, initializer_range=0.3, pad_token_id=0)
    torch.manual_seed(0)
    DebertaV2ForSequenceClassification(config).save_pretrained(folder)
    (folder / "spm.model").write_bytes(pieces)
    named = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]"}
    named |= {"bos_token": "[CLS]", "eos_token": "[SEP]", "mask_token": "[MASK]"}
    _write(folder / "special_tokens_map.json", named)
    _write(folder / "added_tokens.json", {"[MASK]": 120})
    how = {"do_lower_case": False, "sp_model_kwargs": {}, "split_by_punct": False, "vocab_type": "spm"}
    _write(folder / "tokenizer_config.json", {**named, **how, "tokenizer_class": "DebertaV2Tokenizer"})
    return folder


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content))
