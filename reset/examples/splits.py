"""The split of each record: what the record or its file says, else drawn by a stable hash of its id."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from reset.errors import ResetError, nearest
from reset.files.schemas import SPLITS

BY_FILE, BY_COLUMN, BY_SHARES, BY_DEV = "file", "column", "shares", "dev_from_train"  # what decides a split


@dataclass(frozen=True)
class Splits:
    """How the records of one data set get their splits.

    - `shares`: the probability of each split for a record that has none; None if all must have one.
    - `dev_from_train`: the share of the records whose split is train that become dev; None for none.
    """

    dataset: str
    shares: Mapping[str, float] | None
    dev_from_train: float | None

    def __post_init__(self) -> None:
        """Raise `ResetError` for unknown splits, negative shares, and shares that do not sum to 1."""
        if self.shares is None:
            return
        for split, share in self.shares.items():
            if split not in SPLITS:
                raise ResetError(f"Unknown split '{split}' ({self._key('shares')}). {nearest(split, SPLITS)}")
            if share < 0:
                raise ResetError(f"{self._key('shares')}.{split} must not be negative, is {share:g}")
        if abs(sum(self.shares.values()) - 1) > 1e-6:
            raise ResetError(f"{self._key('shares')} must sum to 1, sums to {sum(self.shares.values()):g}")

    def of(self, name: str, said: str | None, of_file: str | None) -> tuple[str, str]:
        """Return the split of the record `name` and what decided it.

        `said` is what the record itself says, `of_file` what its file's name says. A split that is given is never
        drawn anew. Raises `ResetError` if the two differ, and if there is neither and no `shares`.
        """
        given = said or of_file
        if given is None:
            if self.shares is None:
                raise ResetError(f"the record has no split, so {self._key('shares')} must be set")
            return drawn(f"{self.dataset}/None/{name}", self.shares), BY_SHARES
        if of_file and given != of_file:
            raise ResetError(
                f"the record says {given}, its file's name says {of_file}: rename the file, correct the record, or "
                f"leave its column out of {self._key('options.fields')}"
            )
        if given == "train" and self.dev_from_train:
            shares = {"train": 1 - self.dev_from_train, "dev": self.dev_from_train}
            if drawn(f"{self.dataset}/train/{name}", shares) == "dev":
                return "dev", BY_DEV
        return given, BY_COLUMN if said else BY_FILE

    def _key(self, name: str) -> str:
        return f"datasets.{self.dataset}.{name}"


def drawn(name: str, shares: Mapping[str, float]) -> str:
    """Map `name` to a split by hash; `shares` gives each split's probability."""
    point = int.from_bytes(hashlib.sha256(name.encode("utf-8", "replace")).digest()[:8]) / 2**64  # in [0, 1)
    possible = [split for split in SPLITS if shares.get(split)]
    for split in possible:
        point -= shares[split]
        if point < 0:
            return split
    return possible[-1]
