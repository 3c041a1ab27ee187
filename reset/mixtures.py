"""Mixtures: examples of several data sets as one supervised training set, small parts repeated up to the largest.

Paper 5 (MTL baseline) and A.3: "we up-sample smaller datasets to have an equal number of examples per dataset".
"""

import hashlib
from collections import Counter
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
    take: Mapping[str, int | float],
    rows: int | None,
    upsample: bool,
    template: str,
    seed: int,
    left_out: Mapping[str, str],
) -> tuple[Account, list[dict[str, Any]]]:
    """Write the mixture of `parts` to `into`; return the account, and what each data set gives: examples, rows, share.

    `take` says how much of a data set is used: a count (int) or a share (float), all of one that it does not name. Of
    each part at most `rows` examples are drawn by a seeded hash of their ids; with `upsample` each part is repeated
    whole as often as fits into the largest, and a seeded remainder is added. A row without a reference is set aside,
    and so is one of the ids `left_out`, for the reason given there.
    """
    account = Account()
    drawn = {
        name: _draw(examples, members, split, take, rows, seed, left_out, account) for name, members in parts.items()
    }
    empty = [name for name, part in drawn.items() if not part]
    if empty and split == "train":
        raise ResetError(f"{into.stem}: no {split} examples in {', '.join(empty)}")
    size = max((len(part) for part in drawn.values()), default=0)
    target = {name: size if upsample and part else len(part) for name, part in drawn.items()}
    written: Counter[tuple[str, str]] = Counter()
    with tables.Writer(into, tables.MIXTURES) as writer:
        for name, part in drawn.items():
            for row in _repeated(part, target[name], template):
                writer.write(row)
                written[name, row["dataset"]] += 1
    return account, _composition(parts, drawn, written)


def _composition(
    parts: Mapping[str, Sequence[str]],
    drawn: Mapping[str, Sequence[Mapping[str, Any]]],
    written: Counter[tuple[str, str]],
) -> list[dict[str, Any]]:
    """One row per data set of each part: its examples, the rows they became by repetition, the share of all rows."""
    examples = Counter((name, example["dataset"]) for name, part in drawn.items() for example in part)
    return [
        {
            "part": name,
            "dataset": dataset,
            "examples": examples[name, dataset],
            "rows": written[name, dataset],
            "share": round(written[name, dataset] / max(written.total(), 1), 4),
        }
        for name, members in parts.items()
        for dataset in members
    ]


def _draw(
    examples: Path,
    members: Sequence[str],
    split: str,
    take: Mapping[str, int | float],
    rows: int | None,
    seed: int,
    left_out: Mapping[str, str],
    account: Account,
) -> list[dict[str, Any]]:
    """The examples of one part in seeded order."""
    found = []
    for dataset in members:
        usable = []
        for example in tables.read(examples / dataset / f"{split}.parquet", tables.EXAMPLES):
            if reason := left_out.get(example["example_id"]):
                account.leave(reason)
            elif example["references"]:
                usable.append(example)
            else:
                account.leave("no reference to train on")
        usable.sort(key=lambda example: order(seed, example["example_id"]))
        wanted = _wanted(take.get(dataset, 1.0), len(usable))
        if len(usable) > wanted:
            account.leave("over what is taken of its data set", len(usable) - wanted)
        found += usable[:wanted]
    found.sort(key=lambda example: order(seed, example["example_id"]))
    chosen = found[:rows]
    account.keep(len(chosen))
    if len(chosen) < len(found):
        account.leave("over the part's rows", len(found) - len(chosen))
    return chosen


def _wanted(take: int | float, there: int) -> int:
    return min(take, there) if isinstance(take, int) else round(take * there)


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
