"""Mixtures: examples of several data sets as one supervised training set, small parts repeated up to the largest.

Paper 5 (MTL baseline) and A.3: "we up-sample smaller datasets to have an equal number of examples per dataset".
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reset import tables
from reset.accounts import Account
from reset.errors import ResetError
from reset.prompts import render


def order(seed: int, example_id: str) -> bytes:
    """A key that sorts examples in a seeded order which no other example changes."""
    return hashlib.blake2b(f"{seed}/{example_id}".encode(), digest_size=8).digest()


def left_out(path: Path) -> dict[str, str]:
    """The example ids of a table that the stage `screen` wrote, each with its reason."""
    return {row["example_id"]: row["reason"] for row in tables.read(path, tables.SCREENED)}


def mix(
    examples: Path,
    into: Path,
    *,
    split: str,
    parts: Mapping[str, Sequence[str]],
    rows: int | None,
    upsample: bool,
    template: str,
    seed: int,
    left_out: Mapping[str, str],
) -> tuple[Account, dict[str, int]]:
    """Write the mixture of `parts` to `into` and return the account and the rows of each part.

    Of each part at most `rows` examples are drawn by a seeded hash of their ids; with `upsample` each part is repeated
    whole as often as fits into the largest, and a seeded remainder is added. A row without a reference is set aside,
    and so is one of the ids `left_out`, for the reason given there.
    """
    account = Account()
    drawn = {name: _draw(examples, members, split, rows, seed, left_out, account) for name, members in parts.items()}
    empty = [name for name, part in drawn.items() if not part]
    if empty and split == "train":
        raise ResetError(f"{into.stem}: no {split} examples in {', '.join(empty)}")
    size = max((len(part) for part in drawn.values()), default=0)
    target = {name: size if upsample and part else len(part) for name, part in drawn.items()}
    tables.write(
        into,
        tables.MIXTURES,
        (row for name, part in drawn.items() for row in _repeated(part, target[name], template)),
    )
    return account, target


def _draw(
    examples: Path,
    members: Sequence[str],
    split: str,
    rows: int | None,
    seed: int,
    left_out: Mapping[str, str],
    account: Account,
) -> list[dict[str, Any]]:
    """The examples of one part in seeded order."""
    found = []
    for dataset in members:
        for example in tables.read(examples / dataset / f"{split}.parquet", tables.EXAMPLES):
            if reason := left_out.get(example["example_id"]):
                account.leave(reason)
            elif example["references"]:
                found.append(example)
            else:
                account.leave("no reference to train on")
    found.sort(key=lambda example: order(seed, example["example_id"]))
    chosen = found[:rows]
    account.keep(len(chosen))
    if len(chosen) < len(found):
        account.leave("over the part's rows", len(found) - len(chosen))
    return chosen


def _repeated(part: Sequence[Mapping[str, Any]], size: int, template: str) -> Iterator[dict[str, Any]]:
    for number in range(size):
        yield training_row(part[number % len(part)], template, repeat=number // len(part))


def training_row(
    example: Mapping[str, Any], template: str, *, repeat: int = 0, response: str | None = None
) -> dict[str, Any]:
    """A row of the mixtures table: the rendered prompt with `response`, or else with the first reference."""
    prompt = render(example, template)
    return {
        "example_id": example["example_id"],
        "repeat": repeat,
        "dataset": example["dataset"],
        "task": example["task"],
        "prompt": prompt.text,
        "context_start": prompt.start,
        "context_end": prompt.end,
        "response": example["references"][0] if response is None else response,
    }
