"""Screening: find training rows that repeat a test prompt of any data set, and rows that occur in several data sets.

Section 2.1.1 evaluates on "unseen examples" only. Here the training row is left out and the test row stays, so that
test sets keep their published sizes. Prompts are equal if they are the same text after the normalisation of appendix
A.2; near-duplicates are found by MinHash (`reset.examples.minhash`).

The section also asks for "unique examples" in the whole instruction pool. Of training and dev rows with equal content
(`reset.examples.content_hashes.content`) in several data sets the first stays: train before dev, data sets by name.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from reset.examples.content_hashes import Seen, content
from reset.files import schemas, tables
from reset.files.row_accounts import Account
from reset.normalise import normalise
from reset.runs.parallel import parallel_map

SEEN, NEAR, DUPLICATE = "a test's prompt", "nearly a test's prompt", "duplicate of another data set's"
ALONE = 8 << 20  # below this many bytes, starting processes would take longer than the work


@dataclass
class _RowKeys:
    """What is compared of the rows of one Parquet row group."""

    names: list[str]  # example ids
    prompts: list[bytes]  # digests of the normalised prompts
    contents: np.ndarray  # (rows,) uint64, hashes of the rows' content
    signatures: list[np.ndarray]  # MinHash signatures of the prompts; empty if near-duplicates are not looked for


def screen(
    examples: Path, into: Path, *, near: str, threshold: float, permutations: int, shingle: int, duplicates: str
) -> tuple[Account, dict[str, int]]:
    """Write which training and dev rows under `examples` to leave out, with the reason and the test row each repeats.

    `near` is what happens to near-duplicates of test prompts: "off" (not looked for), "count" (only counted) or "drop"
    (left out). `duplicates` between data sets are left out if it is "drop".
    Returns the account of all training and dev rows, and the number of near-duplicates per pair of data sets.
    """
    read = partial(_read_keys, minhash=None if near == "off" else (permutations, shingle))
    tests = _TestPrompts(None if near == "off" else (threshold, permutations))
    for keys in _keys_of_splits(examples, read, "test"):
        tests.add(keys)
    account, pairs, seen = Account(), Counter[str](), Seen()
    with tables.Writer(into, schemas.SCREENED) as writer:
        for keys in _keys_of_splits(examples, read, "train", "dev"):
            repeats = seen.known(keys.contents) & (duplicates == "drop")
            seen.add(keys.contents)
            for row, name in enumerate(keys.names):
                reason, test = tests.match(keys, row)
                if reason == NEAR:
                    pairs[f"{name.partition('/')[0]} like {test.partition('/')[0]}"] += 1
                if repeats[row] and reason != SEEN:
                    reason, test = DUPLICATE, ""
                if not reason or (reason == NEAR and near == "count"):
                    account.keep()
                else:
                    writer.write({"example_id": name, "reason": reason, "test_id": test})
                    account.leave(reason, where=f"{name} = {test}" if test else name)
    return account, dict(sorted(pairs.items()))


def _keys_of_splits(examples: Path, read: "partial[_RowKeys]", *splits: str) -> Iterator[_RowKeys]:
    files = [path for split in splits for path in sorted(examples.glob(f"*/{split}.parquet"))]
    groups = [(path, group) for path in files for group in range(tables.groups(path, schemas.EXAMPLES))]
    yield from parallel_map(read, groups, alone=sum(path.stat().st_size for path in files) < ALONE)


def _read_keys(place: tuple[Path, int], minhash: tuple[int, int] | None) -> _RowKeys:
    """Read the row group `place` (file, number); `minhash` is None or (permutations, words per n-gram)."""
    keys = _RowKeys([], [], np.array([], dtype=np.uint64), [])
    contents = []
    if minhash:
        from reset.examples.minhash import MinHasher  # imports SciPy, which takes half a second

        hasher = MinHasher(*minhash)
    for row in tables.read_group(*place, schemas.EXAMPLES):
        text = _normalised_prompt(row)
        keys.names.append(row["example_id"])
        keys.prompts.append(hashlib.blake2b(text.encode(), digest_size=12).digest())
        contents.append(content(row))
        if minhash:
            keys.signatures.append(hasher.signature(text))
    keys.contents = np.array(contents, dtype=np.uint64)
    return keys


def _normalised_prompt(row: tables.Row) -> str:
    """Return the prompt without the fixed instruction that all rows of a task with a context share."""
    request = row["instruction"] if row["task"] == "instruction" else row["question"]
    return normalise(" ".join([request, *row["passages"]]))


class _TestPrompts:
    """All test prompts, by normalised text; with `near` (threshold, permutations) also in a MinHash index."""

    def __init__(self, near: tuple[float, int] | None) -> None:
        self._equal: dict[bytes, str] = {}  # prompt digest -> example id
        self._index = None
        if near:
            from reset.examples.minhash import Index

            self._index = Index(*near)

    def add(self, keys: _RowKeys) -> None:
        """Add the prompts of test rows."""
        for row, name in enumerate(keys.names):
            self._equal.setdefault(keys.prompts[row], name)
            if self._index:
                self._index.add(name, keys.signatures[row])

    def match(self, keys: _RowKeys, row: int) -> tuple[str, str]:
        """Return why a training row is too close to a test row, and the test's id; two empty texts if it is not."""
        if test := self._equal.get(keys.prompts[row]):
            return SEEN, test
        nearest = self._index.nearest(keys.signatures[row]) if self._index else None
        return (NEAR, nearest) if nearest else ("", "")
