"""Near-duplicates: MinHash (Broder 1997) over word shingles, with the LSH index of `datasketch`."""

from typing import Any

import numpy as np
from datasketch import MinHash, MinHashLSH
from xxhash import xxh32_intdigest


class Sketcher:
    """Sketches texts: so many minima of the hashes of their shingles, runs of so many words."""

    def __init__(self, permutations: int, shingle: int) -> None:
        self._empty, self._shingle = MinHash(num_perm=permutations, hashfunc=xxh32_intdigest), shingle

    def sketch(self, text: str) -> np.ndarray:
        """The sketch of a text, (permutations,)."""
        words, size = text.split(), self._shingle
        shingles = {" ".join(words[at : at + size]) for at in range(max(len(words) - size + 1, 1))}
        made = self._empty.copy()
        made.update_batch([shingle.encode() for shingle in shingles])
        return np.asarray(made.hashvalues)


class Index:
    """Sketches by name; `threshold` is the Jaccard similarity of two texts' sets of shingles."""

    def __init__(self, threshold: float, permutations: int) -> None:
        self._threshold, self._empty = threshold, MinHash(num_perm=permutations)
        self._index = MinHashLSH(threshold=threshold, num_perm=permutations)
        self._sketches: dict[str, Any] = {}

    def add(self, name: str, sketch: np.ndarray) -> None:
        """Remember a sketch."""
        if name not in self._sketches:
            self._sketches[name] = self._minhash(sketch)
            self._index.insert(name, self._sketches[name])

    def nearest(self, sketch: np.ndarray) -> str | None:
        """The name of the most similar one, of `threshold` or more by estimate; of equals the first by name."""
        own = self._minhash(sketch)
        found = [(-own.jaccard(self._sketches[name]), name) for name in self._index.query(own)]
        distance, name = min(found, default=(0.0, ""))
        return name if found and -distance >= self._threshold else None

    def _minhash(self, sketch: np.ndarray) -> Any:
        made = self._empty.copy()
        made.hashvalues = sketch
        return made
