"""Low-rank adapters through peft: LoRA (Hu et al. 2021) and, on weights of 4 bits, QLoRA (Dettmers et al. 2023).

A system either merges its adapter into its weights and is an ordinary folder, or keeps it apart. Then its folder holds
adapter_model.safetensors, adapter_config.json, the tokenizer, and `base.json`: the folder of the weights beneath, from
the repository's root, with their hash. So other weights are refused, and a change of theirs changes every system on
top. peft is imported where there is an adapter: a second that other systems need not wait for.
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

CONFIG, BASE = "adapter_config.json", "base.json"
FILES = (CONFIG, BASE, "adapter_model.safetensors")


@dataclass(frozen=True)
class Adapter:
    """What is trained instead of all weights; `target_modules` as in peft, `["all-linear"]` being all but the head."""

    rank: int
    alpha: float
    dropout: float
    target_modules: list[str]
    quantise: str  # none | 4bit: how the frozen weights are held while training
    merge: bool


def apart(folder: Path) -> bool:
    """Whether the system in `folder` keeps its adapter apart from the weights."""
    return (folder / CONFIG).is_file()


def exists(folder: Path) -> bool:
    """Whether `folder` holds a model, whole or as an adapter."""
    return apart(folder) or (folder / "config.json").is_file()


def weights(folder: Path) -> Path:
    """The folder of the weights beneath `folder`: itself, unless it keeps its adapter apart.

    Raises `ResetError` where there is no model, and where the weights are gone or are not those of the adapter.
    """
    if not exists(folder):
        raise ResetError(f"{folder}: no model there")
    if not apart(folder):
        return folder
    base = Path(tables.read_json(folder / BASE)["path"])
    check(folder, base)
    return base


def check(folder: Path, base: Path) -> None:
    """Raise `ResetError` unless `base` holds the very weights that the adapter of `folder` was trained on."""
    if not (base / "config.json").is_file():
        raise ResetError(f"{folder} is an adapter of {base}, which is not here; `dvc checkout {base}` may bring it")
    if hashing.file_hash(base) != tables.read_json(folder / BASE)["sha256"]:
        raise ResetError(f"{base} is not what the adapter {folder} was trained on; `dvc repro` trains it anew")


def rank(folder: Path) -> int:
    """The rank of the adapter that `folder` keeps apart."""
    return int(tables.read_json(folder / CONFIG)["r"])


def load(folder: Path, dtype: torch.dtype) -> PreTrainedModel:
    """The whole model of a system; an adapter that is kept apart is merged in memory."""
    base = weights(folder)
    return _plain(base, dtype) if base == folder else merged(_plain(base, torch.float32), folder, dtype)


def merged(base: PreTrainedModel, folder: Path, dtype: torch.dtype) -> PreTrainedModel:
    """The adapter of `folder` merged into the weights `base`, in their precision, then rounded to `dtype`."""
    from peft import PeftModel

    on_top: Any = PeftModel.from_pretrained(base, folder)
    whole: PreTrainedModel = on_top.merge_and_unload().to(dtype)
    return whole.requires_grad_(True)  # peft has frozen it


def _plain(folder: Path, dtype: torch.dtype, **options: Any) -> PreTrainedModel:
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, use_safetensors=True, trust_remote_code=False, **options
    )
    return model


def start(init: Path, adapter: Adapter, seed: int) -> Any:
    """The peft model to train: a new adapter on the model of `init`, or the one that `init` keeps apart, trained on.

    An adapter that stays apart continues that of `init`, because it can lie on one base only; one that will be merged
    lies on the whole of `init`. `reset.params.references` checks that the two fit. Raises `ResetError` where no module
    has the name of a target, and where 4 bits are asked for and cannot be had.
    """
    from peft import PeftModel

    base, goes_on = weights(init), apart(init) and not adapter.merge
    if goes_on:
        return PeftModel.from_pretrained(_frozen(base, adapter), init, is_trainable=True)
    frozen = load(init, torch.float32) if adapter.quantise == "none" else _frozen(base, adapter)
    return _new(frozen, adapter, seed)


def _new(frozen: Any, adapter: Adapter, seed: int) -> Any:
    from peft import LoraConfig, get_peft_model

    whole = adapter.target_modules == ["all-linear"]
    config = LoraConfig(
        r=adapter.rank,
        lora_alpha=adapter.alpha,  # type: ignore[arg-type]  # any number serves
        lora_dropout=adapter.dropout,
        target_modules="all-linear" if whole else adapter.target_modules,
        task_type="CAUSAL_LM",
    )
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)  # peft draws its first weights from the global state
            return get_peft_model(frozen, config)
    except ValueError as error:  # no such modules
        raise ResetError(f"adapter.target_modules: {str(error).splitlines()[0]}") from error


def _frozen(base: Path, adapter: Adapter) -> Any:
    """The weights that are not trained."""
    from peft import prepare_model_for_kbit_training

    if adapter.quantise == "none":
        return _plain(base, torch.float32)
    return prepare_model_for_kbit_training(  # type: ignore[no-untyped-call]
        _quantised(base), use_gradient_checkpointing=False
    )


def _quantised(base: Path) -> PreTrainedModel:
    """The weights in NF4 with double quantisation, computed in bfloat16 (Dettmers et al. 2023)."""
    from transformers import BitsAndBytesConfig
    from transformers.utils.import_utils import is_bitsandbytes_available

    if not is_bitsandbytes_available():
        raise ResetError("quantise: 4bit needs bitsandbytes, which is not installed (`make repro EXTRA=gpu` does)")
    config = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    device = int(os.environ["LOCAL_RANK"]) if torch.cuda.is_available() else "cpu"
    return _plain(base, torch.bfloat16, quantization_config=config, device_map={"": device})


def finish(folder: Path, init: Path, adapter: Adapter, dtype: torch.dtype) -> None:
    """Make a system of the adapter that training has saved in `folder`: merged, or with its base named."""
    unset_hf_deepspeed_config()  # type: ignore[no-untyped-call]  # else ZeRO-3 would spread what is loaded from here on
    (folder / "README.md").unlink(missing_ok=True)  # peft's blank card
    if adapter.merge:
        _replace(folder, merged(load(init, torch.float32), folder, dtype))
        return
    base = weights(init)
    config = tables.read_json(folder / CONFIG)
    config["target_modules"] = sorted(config["target_modules"])  # a set, in an order left to chance
    tables.write_json(folder / CONFIG, {**config, "base_model_name_or_path": base.as_posix()})
    tables.write_json(folder / BASE, {"path": base.as_posix(), "sha256": hashing.file_hash(base)})


def whole(folder: Path, base: Path) -> None:
    """Put whole weights in place of the adapter in `folder`, in the precision of those of `base` beneath."""
    check(folder, base)
    dtype = AutoConfig.from_pretrained(base, trust_remote_code=False).dtype or torch.float32
    _replace(folder, merged(_plain(base, torch.float32), folder, dtype))


def _replace(folder: Path, model: PreTrainedModel) -> None:
    model.config.use_cache = True  # whatever the model was that training started from
    model.save_pretrained(folder)
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
