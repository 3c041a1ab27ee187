"""A set of 64-bit hashes in sorted NumPy runs, and the content hash of an example.

An entry takes 8 bytes: half a million rows with two hashes each need 8 MB. The probability that any two of n different
rows have the same hash is about n^2 / 2^65: one in 100 million for half a million rows.
"""

import re
import unicodedata

import numpy as np
from xxhash import xxh3_64_intdigest

from reset.files.tables import Row

_OTHER_SPACES = b"\t\n\v\f\r\x1c\x1d\x1e\x1f"  # the ASCII whitespace of `str.split`, except the space itself
_TO_SPACE = bytes.maketrans(_OTHER_SPACES, b" " * len(_OTHER_SPACES))
_TWO_SPACES = re.compile(b"  ")  # on short words the search is several times as fast as `in`


class Seen:
    """A set of hashes, stored as sorted runs.

    A run is merged into the one before it once it is at least half as long, so there are few runs.
    """

    def __init__(self) -> None:
        self._runs: list[np.ndarray] = []

    def known(self, hashes: np.ndarray) -> np.ndarray:
        """Return which of `hashes`, (n,) uint64, were added before, (n,) bool."""
        is_known = np.zeros(len(hashes), dtype=bool)
        for run in self._runs:
            positions = np.minimum(np.searchsorted(run, hashes), len(run) - 1)
            is_known |= run[positions] == hashes
        return is_known

    def add(self, hashes: np.ndarray) -> None:
        """Add `hashes`, (n,) uint64, to the set."""
        if not len(hashes):
            return
        self._runs.append(np.sort(hashes))
        while len(self._runs) > 1 and 2 * len(self._runs[-1]) >= len(self._runs[-2]):
            last = self._runs.pop()
            self._runs[-1] = np.sort(np.concatenate([self._runs[-1], last]))


def content(row: Row) -> int:
    """Hash what makes an example unique (paper 2.1.1): its instruction, question, passages and first reference.

    Texts that differ only in Unicode composition or in the length of whitespace get the same hash.
    """
    parts = (row["instruction"], row["question"], *row["passages"], *row["references"][:1])
    whole = "\0".join(map(str.strip, parts))
    return xxh3_64_intdigest(_collapse_ascii_spaces(whole.encode()) if whole.isascii() else _normalise_unicode(whole))


def _collapse_ascii_spaces(text: bytes) -> bytes:
    """Replace each run of whitespace by one space: like `split` and `join`, but several times as fast on long texts."""
    if any(space in text for space in _OTHER_SPACES):
        text = text.translate(_TO_SPACE)
    while _TWO_SPACES.search(text):
        text = text.replace(b"  ", b" ")
    return text


def _normalise_unicode(text: str) -> bytes:
    return unicodedata.normalize("NFC", " ".join(text.split())).encode()
