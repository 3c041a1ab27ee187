"""A key-value cache that allocates space ahead of the tokens.

The cache of transformers copies all its content at every token, which took 86 % of the time of a small model on a CPU.
"""

import torch
from transformers import DynamicCache, PreTrainedConfig
from transformers.cache_utils import DynamicLayer

ROOM = 64  # spare tokens in a new allocation


class RoomyLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """A `DynamicLayer` whose keys and values are views of the filled part of larger tensors."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._stores: list[torch.Tensor] = []  # keys and values, each (rows, heads, tokens + room, width)

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: object, **__: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append the keys and values of new tokens; shapes (rows, heads, new tokens, width)."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        new = (key_states, value_states)
        if not self._stores or end > self._stores[0].shape[-2]:
            larger = [states.new_empty(*states.shape[:2], end + ROOM, states.shape[-1]) for states in new]
            for target, store in zip(larger, self._stores, strict=False):
                target[:, :, :start] = store[:, :, :start]
            self._stores = larger
        for store, states in zip(self._stores, new, strict=True):
            store[:, :, start:end] = states
        return self._set_views(end)

    def reorder_cache(self, beam_idx: torch.Tensor) -> None:
        """Keep the rows `beam_idx`, in that order; an index may repeat."""
        if not self._stores:
            return
        length = self.get_seq_length()
        self._stores = [store[beam_idx] for store in self._stores]
        self._set_views(length)

    def _set_views(self, length: int) -> tuple[torch.Tensor, torch.Tensor]:
        self.keys, self.values = (store[:, :, :length] for store in self._stores)
        return self.keys, self.values


def roomy_cache(config: PreTrainedConfig) -> DynamicCache:
    """Return an empty cache for a model; layers of other types (sliding window, ...) stay unchanged."""
    cache = DynamicCache(config=config)
    cache.layers = [RoomyLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache
