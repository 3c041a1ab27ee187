"""Splits drawn by a stable hash, so that a record's split depends on its id alone."""

import hashlib
from collections.abc import Mapping

from reset.errors import ResetError, nearest
from reset.files.schemas import SPLITS


def check(shares: Mapping[str, float], key: str) -> None:
    """Refuse shares of unknown splits, negative ones, and such that do not sum to 1; `key` says where they stand."""
    for split, share in shares.items():
        if split not in SPLITS:
            raise ResetError(f"Unknown split '{split}' ({key}). {nearest(split, SPLITS)}")
        if share < 0:
            raise ResetError(f"{key}.{split} must not be negative, is {share:g}")
    if abs(sum(shares.values()) - 1) > 1e-6:
        raise ResetError(f"{key} must sum to 1, sums to {sum(shares.values()):g}")


def drawn(name: str, shares: Mapping[str, float]) -> str:
    """Return the split in whose share a hash of `name`, spread evenly over [0, 1), falls."""
    point = int.from_bytes(hashlib.sha256(name.encode("utf-8", "replace")).digest()[:8]) / 2**64
    wanted = [split for split in SPLITS if shares.get(split)]
    for split in wanted:
        point -= shares[split]
        if point < 0:
            return split
    return wanted[-1]
