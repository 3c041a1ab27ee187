"""Convert an older model repository once: pickled weights to safetensors, a sentencepiece tokenizer to tokenizer.json.

The weights are read without running code from the pickle (`torch.load(weights_only=True)`) and keep their values and
dtype. One shard is in memory at a time. transformers converts the tokenizer; the result is compared with sentencepiece
itself. (transformers 5 leaves out one of the blanks that a text begins with; such texts are not compared.)
"""

import json
import zipfile
from pathlib import Path
from pickle import UnpicklingError  # nosec B403: only the error's class
from typing import Any

import torch
from safetensors.torch import save_file
from sentencepiece import SentencePieceProcessor
from tokenizers.models import BPE
from transformers import AutoTokenizer

from reset.errors import ResetError

PICKLED = "pytorch_model*.bin"
INDEX, NEW_INDEX = "pytorch_model.bin.index.json", "model.safetensors.index.json"
SENTENCEPIECE = ("tokenizer.model", "spiece.model", "spm.model")  # LLaMA's, ALBERT's, DeBERTa's

PROBES = (  # texts on which the converted tokenizer must agree with sentencepiece
    "A chat between a curious user and an assistant. USER: Who lives in the red forest? ASSISTANT:",
    "two  blanks,\ttabs,\n\nlines and\r\n blanks at the end  ",
    "Numbers 1234567.89, hyphens - and/or the user's (brackets) [1] {2} #3 @4 %5",
    "naïve façade, Ελληνικά, русский, 漢字, العربية, 🙂👍🏽",
)


def weights(source: Path, into: Path, name: str) -> None:
    """Write the pickled weights in `source` to `into` as safetensors, with their index if there are several shards.

    Raises `ResetError`, which calls the model `name`, if there are none, if a file holds more than tensors, and if the
    index names other tensors than the shards hold.
    """
    shards = sorted(source.glob(PICKLED))
    if not shards:
        raise ResetError(f"base model '{name}' has neither safetensors nor pickled weights ({PICKLED})")
    held = {shard.name: _convert(shard, into / _renamed(shard.name), name) for shard in shards}
    if not (source / INDEX).is_file():
        return
    index: dict[str, Any] = json.loads((source / INDEX).read_text(encoding="utf-8"))
    if index["weight_map"] != {key: shard for shard, keys in held.items() for key in keys}:
        raise ResetError(f"base model '{name}': {INDEX} names other tensors than its shards hold, or other shards")
    index["weight_map"] = {key: _renamed(shard) for key, shard in index["weight_map"].items()}
    (into / NEW_INDEX).write_text(json.dumps(index, indent=2), encoding="utf-8")
    (into / INDEX).unlink(missing_ok=True)


def _renamed(shard: str) -> str:
    return shard.replace("pytorch_model", "model").replace(".bin", ".safetensors")


def _convert(shard: Path, into: Path, name: str) -> list[str]:
    """Convert one file, and return the names of its tensors."""
    try:
        read = torch.load(shard, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(shard))
    except (UnpicklingError, RuntimeError, EOFError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ResetError(f"base model '{name}': {shard.name} cannot be read as weights alone ({reason})") from error
    if not isinstance(read, dict) or not all(isinstance(one, torch.Tensor) for one in read.values()):
        raise ResetError(f"base model '{name}': {shard.name} holds more than named tensors")
    tensors = {key: one.contiguous() for key, one in read.items()}
    save_file(_apart(tensors), into, metadata={"format": "pt"})
    return list(tensors)


def _apart(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Copy tensors that share memory with one before them, which safetensors does not write."""
    seen: set[int] = set()
    for key, one in tensors.items():
        memory = one.untyped_storage().data_ptr()
        tensors[key] = one.clone() if memory in seen else one
        seen.add(memory)
    return tensors


def tokenizer(folder: Path, name: str) -> None:
    """Give the model in `folder` a tokenizer.json, made from its sentencepiece model, if it has one.

    Raises `ResetError`, which calls the model `name`, if transformers cannot convert it, and if the result encodes
    otherwise than sentencepiece.
    """
    pieces = next((folder / file for file in SENTENCEPIECE if (folder / file).is_file()), None)
    if pieces is None:
        return
    try:
        made = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)  # nosec B615: a local folder
    except (ValueError, OSError, ImportError) as error:
        raise ResetError(f"base model '{name}': {pieces.name}: {str(error).splitlines()[0]}") from error
    if isinstance(made.backend_tokenizer.model, BPE):  # others, such as ALBERT's, also change the text before
        original = SentencePieceProcessor(model_file=str(pieces))
        for text in PROBES:
            if made(text, add_special_tokens=False)["input_ids"] != original.encode(text):
                raise ResetError(f"base model '{name}': its converted tokenizer encodes {text!r} in another way")
    made.save_pretrained(folder)
