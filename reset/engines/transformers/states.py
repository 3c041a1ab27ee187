"""Models that keep states beside or instead of keys and values: state-space layers, linear attention, convolutions.

Their states must not see the padding in front of a short prompt. Each family of models sees to that in its own way, so
whether it does is tried before anything is sampled.
"""

from collections.abc import Callable
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import LinearAttentionCacheLayerMixin

from reset.engines import Request
from reset.errors import ResetError
from reset.model.limits import embeddings

LENGTHS = (9, 2)  # of the prompts that are tried beside one another, in tokens
CLOSE = 0.1  # of the logits' length; rounding in bfloat16 makes a few hundredths


@torch.inference_mode()
def check(model: Any, prefill: Callable[..., Any], step: Callable[..., Any]) -> None:
    """Raise `ResetError` if the logits of a prompt beside a longer one are not those of the prompt alone.

    `prefill` and `step` are those of the engine. Models without such states pass.
    """
    layers = DynamicCache(config=model.config).layers
    if not any(isinstance(layer, LinearAttentionCacheLayerMixin) for layer in layers):
        return
    known = embeddings(model)
    prompts = [[(7 * n + 31 * place) % known for place in range(length)] for n, length in enumerate(LENGTHS)]
    _, mask, cache, _ = prefill([Request(str(n), tuple(ids), 0.0, 0, 0, 1) for n, ids in enumerate(prompts)])
    new = torch.tensor([[11 % known], [13 % known]], device=mask.device)  # (prompts, 1)
    logits, _ = step(new, mask, cache)
    for ids, token, ours in zip(prompts, new.tolist(), logits, strict=True):
        alone = model(torch.tensor([[*ids, *token]], device=mask.device), use_cache=False).logits[0, -1].float()
        if not (ours - alone).norm() < CLOSE * alone.norm():
            raise ResetError(
                f"engine transformers computes other logits for prompts of unlike lengths in a model of type "
                f"'{model.config.model_type}'; set sample.engine to vllm, or sample.engines.transformers.batch to 1"
            )
