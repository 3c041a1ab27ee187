"""What a model folder says of answering: its generation configuration, and the tokens at which every engine stops.

A trained model keeps the file of its starting model, word for word, with one more end token: the one that its replies
were trained to end with. It is copied as a file, because transformers refuses to save some that are in use (Vicuna 1.5
has a temperature without `do_sample`); a model in memory has only its special tokens.
"""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import GenerationConfig

from reset.errors import ResetError
from reset.files import tables
from reset.model.chat_frame import Frame

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

NAME = "generation_config.json"
ANSWERING = {"use_cache": True, "output_router_logits": False}
KEPT = ("bos_token_id", "eos_token_id", "pad_token_id")

Settings = dict[str, Any]


def bare(model: "PreTrainedModel") -> None:
    """Leave only special tokens in the generation configuration of `model`, so that it can be saved."""
    kept: dict[str, Any] = {name: getattr(model.generation_config, name, None) for name in KEPT}
    model.generation_config = GenerationConfig(**kept)  # type: ignore[no-untyped-call]


def carry(weights: Path, folder: Path) -> None:
    """Copy the generation configuration of the whole weights in `weights` to the model in `folder`, if it has one."""
    if (weights / NAME).is_file():
        shutil.copyfile(weights / NAME, folder / NAME)


def ends(model: Path) -> list[int]:
    """Return the ids at which every engine stops: `eos_token_id` in the folder of whole weights `model`."""
    path = model / NAME
    config: Any = tables.read_json(path if path.is_file() else model / "config.json")
    eos = config.get("eos_token_id", config.get("text_config", {}).get("eos_token_id"))
    return eos if isinstance(eos, list) else [] if eos is None else [eos]


def stop_at(model: Path, end: int) -> None:
    """Add `end` to the ids at which every engine stops, if it is not among them."""
    if end not in (known := ends(model)):
        path = model / NAME
        tables.write_json(path, {**(tables.read_json(path) if path.is_file() else {}), "eos_token_id": [*known, end]})


def require_end(model: Path, chat: Frame, tokenizer: "PreTrainedTokenizerBase") -> None:
    """Raise `ResetError` unless the ids at which engines stop (`ends`) contain the chat template's end token."""
    if chat.end not in ends(model):
        raise ResetError(
            f"{model}: generation_config.json does not stop at '{tokenizer.decode([chat.end])}', which ends a reply in "
            "the chat template. Add it to eos_token_id there, or set `adapter.merge: true`, with which training adds it"
        )


def special_tokens(config: "PreTrainedConfig") -> Settings:
    """Return the ids of special tokens in a configuration, by name."""
    return {name: getattr(config.get_text_config(), name) for name in KEPT if hasattr(config.get_text_config(), name)}


def ready(config: "PreTrainedConfig", tokens: Settings | None = None) -> None:
    """Set in the configuration what a model needs to answer: a cache, and no outputs of its routers.

    Training switches the first off and the second on, for the loss that balances a mixture of experts. `tokens` are ids
    of special tokens, as they were before a trainer replaced them: a pad token that is the end token too is not
    trained.
    """
    for part in (config, config.get_text_config()):
        for name in ANSWERING:
            if hasattr(part, name):
                setattr(part, name, ANSWERING[name])
    for name, id in (tokens or {}).items():
        setattr(config.get_text_config(), name, id)
