"""Near-duplicates: MinHash (Broder 1997) over word n-grams, with the LSH index of `datasketch`."""

from typing import Any

import numpy as np
from datasketch import MinHash, MinHashLSH
from xxhash import xxh32_intdigest


class MinHasher:
    """Computes MinHash signatures over word n-grams (`shingle` words, `permutations` hashes)."""

    def __init__(self, permutations: int, shingle: int) -> None:
        self._empty, self._shingle = MinHash(num_perm=permutations, hashfunc=xxh32_intdigest), shingle

    def signature(self, text: str) -> np.ndarray:
        """Return the MinHash signature of a text, (permutations,)."""
        words, size = text.split(), self._shingle
        shingles = {" ".join(words[at : at + size]) for at in range(max(len(words) - size + 1, 1))}
        minhash = self._empty.copy()
        minhash.update_batch([shingle.encode() for shingle in shingles])
        return np.asarray(minhash.hashvalues)


class Index:
    """Finds the most similar of the added signatures; `threshold` is a Jaccard similarity of two n-gram sets."""

    def __init__(self, threshold: float, permutations: int) -> None:
        self._threshold, self._empty = threshold, MinHash(num_perm=permutations)
        self._index = MinHashLSH(threshold=threshold, num_perm=permutations)
        self._minhashes: dict[str, Any] = {}

    def add(self, name: str, signature: np.ndarray) -> None:
        """Add a signature under `name`; a name that is already there keeps its first signature."""
        if name not in self._minhashes:
            self._minhashes[name] = self._minhash(signature)
            self._index.insert(name, self._minhashes[name])

    def nearest(self, signature: np.ndarray) -> str | None:
        """Return the name with the highest estimated similarity; None if that is below `threshold`.

        Of equally similar names the first in alphabetical order is returned.
        """
        query = self._minhash(signature)
        candidates = [(-query.jaccard(self._minhashes[name]), name) for name in self._index.query(query)]
        negated_similarity, name = min(candidates, default=(0.0, ""))
        return name if candidates and -negated_similarity >= self._threshold else None

    def _minhash(self, signature: np.ndarray) -> Any:
        minhash = self._empty.copy()
        minhash.hashvalues = signature
        return minhash
