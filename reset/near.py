"""Near-duplicates: MinHash (Broder 1997) over word shingles, with the LSH index of `datasketch`."""

from typing import Any

from datasketch import MinHash, MinHashLSH


class Index:
    """Texts by name; `threshold` is the Jaccard similarity of two texts' sets of shingles of so many words."""

    def __init__(self, *, threshold: float, permutations: int, shingle: int) -> None:
        self._threshold, self._permutations, self._shingle = threshold, permutations, shingle
        self._index = MinHashLSH(threshold=threshold, num_perm=permutations)
        self._hashes: dict[str, Any] = {}

    def add(self, name: str, text: str) -> None:
        """Remember a text."""
        if name not in self._hashes:
            self._hashes[name] = self._minhash(text)
            self._index.insert(name, self._hashes[name])

    def nearest(self, text: str) -> str | None:
        """The name of the most similar text, of `threshold` or more by estimate; of equals the first by name."""
        own = self._minhash(text)
        found = [(-own.jaccard(self._hashes[name]), name) for name in self._index.query(own)]
        distance, name = min(found, default=(0.0, ""))
        return name if found and -distance >= self._threshold else None

    def _minhash(self, text: str) -> Any:
        words, size = text.split(), self._shingle
        shingles = {" ".join(words[at : at + size]) for at in range(max(len(words) - size + 1, 1))}
        made = MinHash(num_perm=self._permutations)
        made.update_batch([shingle.encode() for shingle in shingles])
        return made
