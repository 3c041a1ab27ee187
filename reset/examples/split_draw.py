"""Draw splits by a stable hash, so that a record's split depends on its id alone."""

import hashlib
from collections.abc import Mapping

from reset.errors import ResetError, nearest
from reset.files.schemas import SPLITS


def check(shares: Mapping[str, float], key: str) -> None:
    """Raise `ResetError` for unknown splits, negative shares, and shares that do not sum to 1.

    `key` is the place of `shares` in params.yaml, for the message.
    """
    for split, share in shares.items():
        if split not in SPLITS:
            raise ResetError(f"Unknown split '{split}' ({key}). {nearest(split, SPLITS)}")
        if share < 0:
            raise ResetError(f"{key}.{split} must not be negative, is {share:g}")
    if abs(sum(shares.values()) - 1) > 1e-6:
        raise ResetError(f"{key} must sum to 1, sums to {sum(shares.values()):g}")


def drawn(name: str, shares: Mapping[str, float]) -> str:
    """Map `name` to a split by hash; `shares` gives each split's probability."""
    point = int.from_bytes(hashlib.sha256(name.encode("utf-8", "replace")).digest()[:8]) / 2**64  # in [0, 1)
    possible = [split for split in SPLITS if shares.get(split)]
    for split in possible:
        point -= shares[split]
        if point < 0:
            return split
    return possible[-1]
