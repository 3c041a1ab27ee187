"""What a model can read: its vocabulary and its longest text."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

POSITIONS = ("max_position_embeddings", "max_seq_len")  # the second is MPT's


def embeddings(model: "PreTrainedModel") -> int:
    """Return the number of tokens that the model has an embedding for."""
    weights: Any = model.get_input_embeddings().weight
    return int(getattr(weights, "ds_shape", weights.shape)[0])  # DeepSpeed's: the whole of weights split over ranks


def positions(config: "PreTrainedConfig") -> int | None:
    """Return the number of tokens of the longest text that the model is made for; None where nothing limits it."""
    text = config.get_text_config()
    return next((int(limit) for name in POSITIONS if (limit := getattr(text, name, None))), None)
