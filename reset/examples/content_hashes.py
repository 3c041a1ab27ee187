"""Which 64-bit hashes came before: eight bytes each, so that half a million rows need eight megabytes.

Two different rows share a hash with a chance of about n^2 / 2^65: one in 100 million for half a million rows.
"""

import re
import unicodedata

import numpy as np
from xxhash import xxh3_64_intdigest

from reset.files.tables import Row

_BLANKS = b"\t\n\v\f\r\x1c\x1d\x1e\x1f"  # what `split` parts ASCII at, beside the blank itself
_TO_BLANK = bytes.maketrans(_BLANKS, b" " * len(_BLANKS))
_TWO_BLANKS = re.compile(b"  ")  # several times as fast as `in` where words are short


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


def content(row: Row) -> int:
    """Hash what makes an example unique (paper 2.1.1): its instruction, question, passages and first reference.

    Of equal content are texts that are equal after Unicode composition, with runs of blanks as one.
    """
    parts = (row["instruction"], row["question"], *row["passages"], *row["references"][:1])
    whole = "\0".join(map(str.strip, parts))
    return xxh3_64_intdigest(_single_blanks(whole.encode()) if whole.isascii() else _composed(whole))


def _single_blanks(text: bytes) -> bytes:
    """What `split` and `join` give for ASCII, at several times their speed on long texts."""
    if any(blank in text for blank in _BLANKS):
        text = text.translate(_TO_BLANK)
    while _TWO_BLANKS.search(text):
        text = text.replace(b"  ", b" ")
    return text


def _composed(text: str) -> bytes:
    return unicodedata.normalize("NFC", " ".join(text.split())).encode()
