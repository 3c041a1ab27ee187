"""Screening: training rows whose prompt is that of a test, in any data set, or nearly so, and rows two data sets share.

Section 2.1.1 evaluates on "unseen examples" alone. Here the training row goes and the test stays, so that test sets
keep their published sizes. Equal is the same text after the normalisation of appendix A.2; for near see `minhash`.
"Unique examples" are asked for across the whole instruction pool, so of training and dev rows of equal content
(`reset.examples.content_hashes.content`) in several data sets the first stays, train before dev, data sets by name.
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
ALONE = 8 << 20  # bytes below which starting processes would take longer than the work


@dataclass
class _Part:
    """Rows of one row group: names, digests of prompts, hashes of contents (rows,), sketches of prompts if wanted."""

    names: list[str]
    prompts: list[bytes]
    contents: np.ndarray
    sketches: list[np.ndarray]


def screen(
    examples: Path, into: Path, *, near: str, threshold: float, permutations: int, shingle: int, duplicates: str
) -> tuple[Account, dict[str, int]]:
    """Write the training and dev rows under `examples` to be left out, with the reason and the test that each repeats.

    `near` duplicates are looked for unless "off", and left out if "drop"; `duplicates` between data sets are if "drop".
    Returns the account of all training and dev rows, and how many near ones there are between which data sets.
    """
    read = partial(_read, sketch=None if near == "off" else (permutations, shingle))
    tests = _Tests(None if near == "off" else (threshold, permutations))
    for part in _parts(examples, read, "test"):
        tests.add(part)
    account, pairs, before = Account(), Counter[str](), Seen()
    with tables.Writer(into, schemas.SCREENED) as writer:
        for part in _parts(examples, read, "train", "dev"):
            repeats = before.known(part.contents) & (duplicates == "drop")
            before.add(part.contents)
            for row, name in enumerate(part.names):
                reason, test = tests.like(part, row)
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


def _parts(examples: Path, read: "partial[_Part]", *splits: str) -> Iterator[_Part]:
    files = [path for split in splits for path in sorted(examples.glob(f"*/{split}.parquet"))]
    groups = [(path, group) for path in files for group in range(tables.groups(path, schemas.EXAMPLES))]
    yield from parallel_map(read, groups, alone=sum(path.stat().st_size for path in files) < ALONE)


def _read(place: tuple[Path, int], sketch: tuple[int, int] | None) -> _Part:
    """What is compared of the rows of a row group; `sketch`, permutations and words per shingle."""
    part = _Part([], [], np.array([], dtype=np.uint64), [])
    contents = []
    if sketch:
        from reset.examples.minhash import Sketcher  # scipy takes half a second

        sketcher = Sketcher(*sketch)
    for row in tables.read_group(*place, schemas.EXAMPLES):
        text = _prompt(row)
        part.names.append(row["example_id"])
        part.prompts.append(hashlib.blake2b(text.encode(), digest_size=12).digest())
        contents.append(content(row))
        if sketch:
            part.sketches.append(sketcher.sketch(text))
    part.contents = np.array(contents, dtype=np.uint64)
    return part


def _prompt(row: tables.Row) -> str:
    """What differs from row to row: the fixed instruction of tasks with a context is no part of it."""
    asked = row["instruction"] if row["task"] == "instruction" else row["question"]
    return normalise(" ".join([asked, *row["passages"]]))


class _Tests:
    """The prompts of all tests, by normalised text and, where asked for (threshold, permutations), by likeness."""

    def __init__(self, near: tuple[float, int] | None) -> None:
        self._equal: dict[bytes, str] = {}
        self._index = None
        if near:
            from reset.examples.minhash import Index

            self._index = Index(*near)

    def add(self, part: _Part) -> None:
        """Remember the prompts of tests."""
        for row, name in enumerate(part.names):
            self._equal.setdefault(part.prompts[row], name)
            if self._index:
                self._index.add(name, part.sketches[row])

    def like(self, part: _Part, row: int) -> tuple[str, str]:
        """Why a training row is too close to a test, and to which; two empty texts where it is not."""
        if test := self._equal.get(part.prompts[row]):
            return SEEN, test
        nearest = self._index.nearest(part.sketches[row]) if self._index else None
        return (NEAR, nearest) if nearest else ("", "")
