"""Which 64-bit hashes came before: eight bytes each, so that half a million rows need eight megabytes.

Two different rows share a hash with a chance of about n^2 / 2^65: one in 100 million for half a million rows.
"""

import numpy as np


class Seen:
    """Sorted runs of hashes; a run is merged into the one before it when it has grown half as long."""

    def __init__(self) -> None:
        self._runs: list[np.ndarray] = []

    def known(self, hashes: np.ndarray) -> np.ndarray:
        """Say of each of `hashes`, (n,) uint64, whether it came before, (n,) bool."""
        found = np.zeros(len(hashes), dtype=bool)
        for run in self._runs:
            places = np.minimum(np.searchsorted(run, hashes), len(run) - 1)
            found |= run[places] == hashes
        return found

    def add(self, hashes: np.ndarray) -> None:
        """Remember `hashes`."""
        if not len(hashes):
            return
        self._runs.append(np.sort(hashes))
        while len(self._runs) > 1 and 2 * len(self._runs[-1]) >= len(self._runs[-2]):
            last = self._runs.pop()
            self._runs[-1] = np.sort(np.concatenate([self._runs[-1], last]))
