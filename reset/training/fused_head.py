"""The losses of trained tokens without the logits of a whole batch: TRL's fused head, which projects in tiles.

It computes the logits again in the backward pass. Only trained positions pass through it. For a small vocabulary, whose
logits are small, the model's own head is as good and a little faster.

On a GPU a tile is turned into its gradient in place. On a CPU the head keeps 29 bytes more for each of its logits, four
gigabytes for TRL's tile of 4,096 tokens, so `bound_tiles` makes tiles lower.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from transformers import PreTrainedModel
from trl.kernels import chunked_logprob
from trl.trainer.utils import add_fused_lm_head

from reset.training.recipe import IGNORED

LARGE = 4096  # words
TILE = (4096, 32768)  # most tokens and words of a tile, as TRL has them
TILE_LOGITS = 1 << 24  # most logits of a tile on a CPU: half a gigabyte; a vocabulary below `LARGE` keeps TRL's tiles
CLOSE = {torch.float32: 1e-3}  # nats per token
COARSE = 0.05  # nats per token, of weights in half precision


def bound_tiles(model: PreTrainedModel) -> None:
    """Let TRL's head compute fewer tokens of `model` at a time on a CPU; DPO and KTO use it for every vocabulary."""
    if not torch.cuda.is_available():
        words = min(model.config.get_text_config().vocab_size, TILE[1])
        chunked_logprob.TOKEN_CHUNK_SIZE = min(TILE[0], TILE_LOGITS // words)


class FusedHead:
    """The fused head of a model whose forward pass it replaces; of one with an adapter, that of its base model."""

    def __init__(self, model: Any) -> None:
        adapted = hasattr(model, "get_base_model")
        self._model: PreTrainedModel = model.get_base_model() if adapted else model
        vars(self._model).pop("forward", None)  # TRL's trainers put one there that computes more
        add_fused_lm_head(self._model)

    def losses(self, model: Any, batch: Mapping[str, Any], labels: torch.Tensor) -> tuple[torch.Tensor, Any]:
        """Return the losses of all trained tokens, in order, and the outputs of `model`, which wraps that of this head.

        `batch` is what the model reads, `labels` are (rows, positions).
        """
        trained = torch.nn.functional.pad(labels[:, 1:] != IGNORED, (0, 1))  # (rows, positions) that predict one
        with self._only(trained):
            targets = labels[:, 1:][trained[:, :-1]][None]  # (1, trained tokens)
            outputs = model(**batch, shift_labels=targets, fused_lm_head=True)
        return -outputs.log_probs[0], outputs

    @contextmanager
    def _only(self, positions: torch.Tensor) -> Iterator[None]:
        """Let the head see the hidden states of these positions alone."""

        def pick(_: Any, __: Any, output: Any) -> Any:
            output.last_hidden_state = output.last_hidden_state[positions][None]
            return output

        hook = self._model.base_model.register_forward_hook(pick)
        try:
            yield
        finally:
            hook.remove()


def fused_head(model: Any) -> FusedHead | None:
    """Return a fused head for a model with a large vocabulary, unless it would compute other losses."""
    if model.config.get_text_config().vocab_size < LARGE or difference(model) is not None:
        return None
    return FusedHead(model)


def difference(model: Any) -> str | None:
    """Return in what TRL's fused head differs from the model's own log-probabilities on a short text, or None.

    All ranks call it, because a model that ZeRO-3 has split is put together for it.
    """
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    text = base.config.get_text_config()
    ids = torch.arange(5, 12, device=model.device)[None] % text.vocab_size  # (1, positions)
    balanced = hasattr(text, "output_router_logits") and bool(getattr(text, "router_aux_loss_coef", 0.0))
    routers = {"output_router_logits": True} if balanced else {}
    training = model.training
    model.train(False)
    before = vars(base).pop("forward", None)
    add_fused_lm_head(base)
    try:
        with torch.no_grad(), _whole(model):
            own = model(input_ids=ids, use_cache=False).logits[:, :-1].float().log_softmax(dim=-1)
            how = {"attention_mask": torch.ones_like(ids), "labels": ids, "use_cache": False, **routers}
            theirs = model(input_ids=ids, fused_lm_head=True, **how).log_probs  # (1, positions - 1)
    except (AttributeError, TypeError) as error:  # a configuration or an output that TRL does not know
        return f"TRL cannot compute its log-probabilities ({error})"
    finally:
        vars(base).pop("forward")
        if before is not None:
            base.forward = before
        model.train(training)
    apart = float((own.gather(2, ids[:, 1:, None])[..., 0] - theirs).abs().max())
    return (
        None
        if apart < CLOSE.get(model.dtype, COARSE)
        else f"TRL computes other log-probabilities than the model (by {apart:.2g} nats)"
    )


def _whole(model: Any) -> AbstractContextManager[Any]:
    """Gather the weights of a model that `reset.training.start` has split; nothing for any other."""
    if not any(hasattr(weights, "ds_id") for weights in model.parameters()):
        return nullcontext()
    import deepspeed

    gathered: AbstractContextManager[Any] = deepspeed.zero.GatheredParameters(list(model.parameters()))
    return gathered
