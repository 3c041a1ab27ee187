"""Low-rank adapters through peft: LoRA (Hu et al. 2021) and, on 4-bit weights, QLoRA (Dettmers et al. 2023).

A system either merges its adapter into the weights, and is then an ordinary model folder, or keeps it apart. In that
case its folder has adapter_model.safetensors, adapter_config.json, the tokenizer and `base.json`: the path of the base
weights, relative to the repository, and their hash. So changed base weights are refused, and a new base changes every
system on top of it. peft takes a second to import, so only the functions that need it import it.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel
from transformers.integrations.deepspeed import unset_hf_deepspeed_config

from reset.errors import ResetError
from reset.files import hashing, tables
from reset.model import generation, shape_caches, tied

CONFIG, BASE = "adapter_config.json", "base.json"
FILES = (CONFIG, BASE, "adapter_model.safetensors")


@dataclass(frozen=True)
class Adapter:
    """Settings of an adapter, which is trained instead of all weights."""

    rank: int
    alpha: float
    dropout: float
    target_modules: list[str]  # as in peft; ["all-linear"] is every linear layer except the output layer
    quantise: str  # none | 4bit: precision of the frozen weights during training
    merge: bool  # whether the finished adapter is merged into the weights


def apart(folder: Path) -> bool:
    """Return whether the system in `folder` keeps its adapter apart from the weights."""
    return (folder / CONFIG).is_file()


def exists(folder: Path) -> bool:
    """Return whether `folder` has a model, as whole weights or as an adapter."""
    return apart(folder) or (folder / "config.json").is_file()


def weights(folder: Path) -> Path:
    """Return the folder with the whole weights: `folder` itself, or the base of the adapter that it keeps apart.

    Raises `ResetError` if there is no model, and if the base weights are missing or have changed.
    """
    if not exists(folder):
        raise ResetError(f"{folder}: no model there")
    if not apart(folder):
        return folder
    base = Path(tables.read_json(folder / BASE)["path"])
    check(folder, base)
    return base


def check(folder: Path, base: Path) -> None:
    """Raise `ResetError` unless the weights in `base` are those that the adapter in `folder` was trained on."""
    if not (base / "config.json").is_file():
        raise ResetError(f"{folder} is an adapter of {base}, which is missing; `dvc checkout {base}` may restore it")
    if hashing.file_hash(base) != tables.read_json(folder / BASE)["sha256"]:
        raise ResetError(f"{base} has changed since the adapter {folder} was trained on it; `dvc repro` retrains it")


def rank(folder: Path) -> int:
    """Return the rank of the adapter in `folder`."""
    return int(tables.read_json(folder / CONFIG)["r"])


def load(folder: Path, dtype: torch.dtype) -> PreTrainedModel:
    """Load the whole model of a system; an adapter that is kept apart is merged in memory."""
    shape_caches.bound()
    base = weights(folder)
    return _load_weights(base, dtype) if base == folder else merged(_load_weights(base, torch.float32), folder, dtype)


def merged(base: PreTrainedModel, folder: Path, dtype: torch.dtype) -> PreTrainedModel:
    """Return `base` with the adapter of `folder` merged in. The sum is computed in the dtype of `base`, then cast."""
    from peft import PeftModel

    adapted: Any = PeftModel.from_pretrained(base, folder)
    model: PreTrainedModel = adapted.merge_and_unload().to(dtype)
    return model.requires_grad_(True)  # peft has frozen the weights


def _load_weights(folder: Path, dtype: torch.dtype, **options: Any) -> PreTrainedModel:
    """Load whole weights. Raises `ResetError` for a model that does not generate: transformers would draw its head."""
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(  # nosec B615: a folder under models/
            folder,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            **options,
        )
    except ValueError as error:
        if "Unrecognized configuration class" not in str(error):
            raise
        raise ResetError(f"{folder}: a model of this type does not generate text, so it can judge at most") from error
    model: PreTrainedModel
    model, found = loaded
    if lacking := sorted(found["missing_keys"]):
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise ResetError(
            f"{folder}: its weights lack {lacking[0]}{more}, without which it does not generate text: is it a reward "
            "model, a classifier, or a model without its head?"
        )
    generation.bare(model)
    generation.ready(model.config)
    return model


def start(init: Path, adapter: Adapter, seed: int) -> Any:
    """Return the peft model to train: with a new adapter, or with that of `init`, which is then trained further.

    If both the new system and `init` keep their adapters apart, training continues that of `init`, because an adapter
    has one base only. Otherwise a new adapter is put on the whole model of `init`. `reset.params.references` checks
    that the settings of the two fit.

    Raises `ResetError` if no module has the name of a target, if a target's weights are tied to others, and if 4-bit
    weights are wanted without bitsandbytes.
    """
    from peft import PeftModel

    base, resume = weights(init), apart(init) and not adapter.merge
    if resume:
        return PeftModel.from_pretrained(_load_frozen(base, adapter), init, is_trainable=True)
    frozen = load(init, torch.float32) if adapter.quantise == "none" else _load_frozen(base, adapter)
    return _add_adapter(frozen, adapter, seed)


def _add_adapter(frozen: Any, adapter: Adapter, seed: int) -> Any:
    from peft import LoraConfig, get_peft_model

    all_linear = adapter.target_modules == ["all-linear"]
    config = LoraConfig(
        r=adapter.rank,
        lora_alpha=adapter.alpha,  # type: ignore[arg-type]  # declared int, but any number works
        lora_dropout=adapter.dropout,
        target_modules="all-linear" if all_linear else adapter.target_modules,
        task_type="CAUSAL_LM",
    )
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)  # peft draws the initial weights from the global generator
            adapted = get_peft_model(frozen, config)
    except ValueError as error:  # no module has one of these names
        raise ResetError(f"adapter.target_modules: {str(error).splitlines()[0]}") from error
    tied.require_untied(adapted)
    return adapted


def _load_frozen(base: Path, adapter: Adapter) -> Any:
    """Load the weights under the adapter, which are not trained."""
    from peft import prepare_model_for_kbit_training

    if adapter.quantise == "none":
        return _load_weights(base, torch.float32)
    return prepare_model_for_kbit_training(  # type: ignore[no-untyped-call]
        _load_4bit(base), use_gradient_checkpointing=False
    )


def _load_4bit(base: Path) -> PreTrainedModel:
    """Load the weights in NF4 with double quantisation; they compute in bfloat16 (Dettmers et al. 2023)."""
    from transformers import BitsAndBytesConfig
    from transformers.utils.import_utils import is_bitsandbytes_available

    if not is_bitsandbytes_available():
        raise ResetError("quantise: 4bit needs bitsandbytes, which is not installed (see `make repro EXTRA=gpu`)")
    config = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    device = int(os.environ["LOCAL_RANK"]) if torch.cuda.is_available() else "cpu"
    return _load_weights(base, torch.bfloat16, quantization_config=config, device_map={"": device})


def finish(folder: Path, init: Path, adapter: Adapter, dtype: torch.dtype) -> None:
    """Turn the adapter that training saved in `folder` into a system: merge it, or write base.json.

    The base weights are those of `init`.
    """
    unset_hf_deepspeed_config()  # type: ignore[no-untyped-call]  # else ZeRO-3 would shard models loaded from here on
    (folder / "README.md").unlink(missing_ok=True)  # peft's empty model card
    base = weights(init)
    if adapter.merge:
        _save_whole(folder, merged(load(init, torch.float32), folder, dtype), base)
        return
    config = tables.read_json(folder / CONFIG)
    config["target_modules"] = sorted(config["target_modules"])  # peft writes a set, in random order
    tables.write_json(folder / CONFIG, {**config, "base_model_name_or_path": base.as_posix()})
    tables.write_json(folder / BASE, {"path": base.as_posix(), "sha256": hashing.file_hash(base)})


def whole(folder: Path, base: Path) -> None:
    """Replace the adapter in `folder` by whole weights, in the dtype of its base weights in `base`."""
    check(folder, base)
    dtype = AutoConfig.from_pretrained(base, trust_remote_code=False).dtype or torch.float32  # nosec B615: a folder under models/
    _save_whole(folder, merged(_load_weights(base, torch.float32), folder, dtype), base)


def _save_whole(folder: Path, model: PreTrainedModel, base: Path) -> None:
    """Save the model to `folder`, with the generation configuration of `base`; remove the files of its adapter."""
    generation.ready(model.config)
    model.save_pretrained(folder)
    generation.carry(base, folder)
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
