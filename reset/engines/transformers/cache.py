"""A key-value cache with room for tokens to come.

The cache of transformers copies all it holds at every token, which took 86 % of the time of a small model on a CPU.
"""

import torch
from transformers import DynamicCache, PreTrainedConfig
from transformers.cache_utils import DynamicLayer

ROOM = 64  # tokens that fit before everything is copied to a larger place


class RoomyLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """A `DynamicLayer` whose keys and values are the filled part of larger tensors."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._stores: list[torch.Tensor] = []  # keys and values, each (rows, heads, tokens + room, width)

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: object, **__: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Add the states of new tokens; shapes (rows, heads, new tokens, width)."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        new = (key_states, value_states)
        if not self._stores or end > self._stores[0].shape[-2]:
            larger = [one.new_empty(*one.shape[:2], end + ROOM, one.shape[-1]) for one in new]
            for place, store in zip(larger, self._stores, strict=False):
                place[:, :, :start] = store[:, :, :start]
            self._stores = larger
        for store, states in zip(self._stores, new, strict=True):
            store[:, :, start:end] = states
        return self._show(end)

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep the rows `indices`, in their order; a row may come more than once."""
        if not self._stores:
            return
        length = self.get_seq_length()
        self._stores = [store[indices] for store in self._stores]
        self._show(length)

    def _show(self, length: int) -> tuple[torch.Tensor, torch.Tensor]:
        self.keys, self.values = (store[:, :, :length] for store in self._stores)
        return self.keys, self.values


def roomy_cache(config: PreTrainedConfig) -> DynamicCache:
    """Return an empty cache for a model; layers of other kinds (sliding window, ...) stay what they are."""
    cache = DynamicCache(config=config)
    cache.layers = [RoomyLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache
