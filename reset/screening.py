"""Screening: training rows whose prompt is that of a test, in any data set, or nearly so.

Section 2.1.1 evaluates on "unseen examples" alone. Here the training row goes and the test stays, so that test sets
keep their published sizes. Equal is the same text after the normalisation of appendix A.2; near: `reset.near`.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from reset import tables
from reset.accounts import Account
from reset.normalise import normalise

SEEN, NEAR = "a test's prompt", "nearly a test's prompt"


def screen(
    examples: Path, into: Path, *, near: str, threshold: float, permutations: int, shingle: int
) -> tuple[Account, dict[str, int]]:
    """Write the training and dev rows under `examples` to be left out, with the reason and the test that each repeats.

    `near` duplicates are looked for unless "off", and left out if "drop". Returns the account of all training and dev
    rows, and how many near ones there are between which data sets.
    """
    tests = _Tests(
        None if near == "off" else {"threshold": threshold, "permutations": permutations, "shingle": shingle}
    )
    for row in _rows(examples, "test"):
        tests.add(row)
    account, pairs = Account(), Counter[str]()
    with tables.Writer(into, tables.SCREENED) as writer:
        for row in chain(_rows(examples, "train"), _rows(examples, "dev")):
            reason, test = tests.like(row)
            if reason == NEAR:
                pairs[f"{row['dataset']} like {test.partition('/')[0]}"] += 1
            if reason == SEEN or (reason == NEAR and near == "drop"):
                writer.write({"example_id": row["example_id"], "reason": reason, "test_id": test})
                account.leave(reason, where=f"{row['example_id']} = {test}")
            else:
                account.keep()
    return account, dict(sorted(pairs.items()))


def _rows(examples: Path, split: str) -> Iterator[tables.Row]:
    for path in sorted(examples.glob(f"*/{split}.parquet")):
        yield from tables.read(path, tables.EXAMPLES)


class _Tests:
    """The prompts of all tests, by normalised text and, where asked for, by likeness."""

    def __init__(self, near: dict[str, Any] | None) -> None:
        self._equal: dict[bytes, str] = {}
        self._index = None
        if near:
            from reset.near import Index  # scipy takes half a second

            self._index = Index(**near)

    def add(self, row: tables.Row) -> None:
        """Remember the prompt of a test."""
        text = _prompt(row)
        self._equal.setdefault(_digest(text), row["example_id"])
        if self._index:
            self._index.add(row["example_id"], text)

    def like(self, row: tables.Row) -> tuple[str, str]:
        """Why a training row is too close to a test, and to which; two empty texts where it is not."""
        text = _prompt(row)
        if test := self._equal.get(_digest(text)):
            return SEEN, test
        nearest = self._index.nearest(text) if self._index else None
        return (NEAR, nearest) if nearest else ("", "")


def _prompt(row: tables.Row) -> str:
    """What differs from row to row: the fixed instruction of tasks with a context is no part of it."""
    asked = row["instruction"] if row["task"] == "instruction" else row["question"]
    return normalise(" ".join([asked, *row["passages"]]))


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=12).digest()
