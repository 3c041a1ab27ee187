"""Whether a model repository can be a starting model: whole float weights, and a tokenizer that transformers loads."""

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from transformers import CONFIG_MAPPING, AutoTokenizer

from reset.errors import ResetError

CODE = "auto_map"  # names Python files of the repository
WEIGHTS = ("model.safetensors", "model.safetensors.index.json")


def check(folder: Path, name: str, *, trained: bool = True) -> None:
    """Raise `ResetError` if the repository in `folder`, called `name`, cannot be used, or if `trained` trained from."""
    for problem in problems(folder, {path.name for path in folder.iterdir()}, trained=trained):
        raise ResetError(f"base model '{name}' {problem}")


def problems(folder: Path, files: Collection[str], *, trained: bool = True) -> Iterator[str]:
    """Yield why a repository cannot be used, or trained from; `folder` has its small files, `files` names all."""
    adapter = folder / "adapter_config.json"
    if adapter.is_file():
        base = _read(adapter).get("base_model_name_or_path")
        yield f"is a PEFT adapter of '{base}', no model of its own; merge the two, or name that model"
        return
    if not (folder / "config.json").is_file():
        yield "has no config.json"
        return
    config: Any = _read(folder / "config.json")
    for problem in (*_unfit_config(config, trained=trained), _missing_weights(folder, files)):
        if problem:
            yield problem
    if problem := _unreadable_tokenizer(folder):
        yield problem


def _unfit_config(config: Any, *, trained: bool) -> Iterator[str]:
    quantised = config.get("quantization_config") or config.get("text_config", {}).get("quantization_config")
    if trained and quantised:
        method = f"has quantised weights ({quantised.get('quant_method')})"
        yield f"{method}, which cannot be trained; name the original, or set `trained: false` if it only judges"
    if (kind := config.get("model_type")) not in CONFIG_MAPPING:
        own = "; its own code, which it brings along, is never run" if CODE in config else ""
        yield f"is of type '{kind}', which transformers does not know{own}"
    text = {**config, **config.get("text_config", {})}
    if (pad := text.get("pad_token_id")) is not None and pad >= text.get("vocab_size", pad + 1):
        size = text["vocab_size"]
        yield f"pads with token {pad}, but has only {size} embeddings; set pad_token_id in its config.json"


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _missing_weights(folder: Path, files: Collection[str]) -> str | None:
    if not any(file in files for file in WEIGHTS):
        found = ", ".join(sorted(file for file in files if file.endswith(".safetensors"))[:3])
        pickled = "no safetensors weights; `convert: true` in its options converts pickled ones (pytorch_model*.bin)"
        return f"has no {WEIGHTS[0]}" + (f" (but {found})" if found else f": {pickled}")
    if (index := folder / WEIGHTS[1]).is_file():
        shards = sorted(set(_read(index)["weight_map"].values()))
        if missing := [shard for shard in shards if shard not in files]:
            return f"lacks {len(missing)} of the {len(shards)} files of its weights, such as {missing[0]}"
        if WEIGHTS[0] in files and WEIGHTS[0] not in shards:
            return f"has its weights twice: {WEIGHTS[0]}, and the {len(shards)} files of {WEIGHTS[1]}; remove one"
    return None


def _unreadable_tokenizer(folder: Path) -> str | None:
    if not (folder / "tokenizer_config.json").is_file():
        return "has no tokenizer (tokenizer_config.json)"
    try:
        AutoTokenizer.from_pretrained(folder, trust_remote_code=False)  # nosec B615: a local folder
    except (ValueError, OSError, ImportError, KeyError, AttributeError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return f"has a tokenizer that transformers cannot load without its own code ({reason})"
    return None
