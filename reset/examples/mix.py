"""Mixtures: examples of several data sets as one supervised training set, small parts repeated up to the largest.

Paper 5 (MTL baseline) and A.3: "we up-sample smaller datasets to have an equal number of examples per dataset".
"""

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reset.errors import ResetError
from reset.examples.seeded_order import order
from reset.files import schemas, tables
from reset.files.row_accounts import Account
from reset.files.spool import Spool
from reset.model.training_rows import training_row


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
    drawn: bool = False,
) -> tuple[Account, list[dict[str, Any]]]:
    """Write the mixture of `parts` to `into`; return the account, and what each data set gives: examples, rows, share.

    `take` says how much of a data set is used: a count (int) or a share (float), all of one that it does not name. Of
    each part at most `rows` examples are drawn by a seeded hash of their ids; with `upsample` each part is repeated
    whole as often as fits into the largest, and a seeded remainder is added. Of several references the first is the
    response, or with `drawn` one by a seeded hash. A row without a reference is set aside, and so is one of the ids
    `left_out`, for the reason given there.
    """
    account, first, written = Account(), Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    with tables.Writer(into, schemas.MIXTURES) as writer, Spool(into.parent) as spool:
        draw = _Draw(examples, split, template, seed, left_out, drawn, spool, account)
        places_of = {name: draw.part(members, take, rows) for name, members in parts.items()}
        empty = [name for name, places in places_of.items() if not len(places)]
        if empty and split == "train":
            raise ResetError(f"{into.stem}: no {split} examples in {', '.join(empty)}")
        size = max(map(len, places_of.values()), default=0)
        for name, places in places_of.items():
            for number in range(size if upsample and len(places) else len(places)):
                repeat, at = divmod(number, len(places))
                row = spool.row(places[at])
                writer.write({**row, "repeat": repeat})
                written[name, row["dataset"]] += 1
                first[name, row["dataset"]] += repeat == 0
    return account, _composition(parts, first, written)


def _composition(
    parts: Mapping[str, Sequence[str]], first: Counter[tuple[str, str]], written: Counter[tuple[str, str]]
) -> list[dict[str, Any]]:
    """One row per data set of each part: its examples, the rows they became by repetition, the share of all rows."""
    return [
        {
            "part": name,
            "dataset": dataset,
            "examples": first[name, dataset],
            "rows": written[name, dataset],
            "share": round(written[name, dataset] / max(written.total(), 1), 4),
        }
        for name, members in parts.items()
        for dataset in members
    ]


@dataclass(frozen=True)
class _Draw:
    """Draws parts; training rows wait in `spool`, of each only its seeded key and its place are held in memory."""

    examples: Path
    split: str
    template: str
    seed: int
    left_out: Mapping[str, str]
    drawn: bool
    spool: Spool
    account: Account

    def part(self, members: Sequence[str], take: Mapping[str, int | float], rows: int | None) -> np.ndarray:
        """The places of at most `rows` rows of the data sets `members`, (rows,) uint32, in seeded order."""
        taken = [self._taken(dataset, take.get(dataset, 1.0)) for dataset in members]
        keys, places = (np.concatenate(arrays) for arrays in zip(*taken, strict=True))
        chosen = places[np.argsort(keys, kind="stable")][:rows]
        self.account.keep(len(chosen))
        if len(chosen) < len(places):
            self.account.leave("over the part's rows", len(places) - len(chosen))
        return chosen

    def _taken(self, dataset: str, take: int | float) -> tuple[np.ndarray, np.ndarray]:
        """Keys and places, (rows,) uint64 and uint32, of what is taken of a data set: the first in seeded order."""
        keys, start = array("Q"), len(self.spool)
        for example in tables.read(self.examples / dataset / f"{self.split}.parquet", schemas.EXAMPLES):
            if reason := self.left_out.get(example["example_id"]):
                self.account.leave(reason)
            elif not example["references"]:
                self.account.leave("no reference to train on")
            else:
                keys.append(int.from_bytes(order(self.seed, example["example_id"])))
                self.spool.add(training_row(example, self.template, response=self._response(example)))
        wanted = _wanted(take, len(keys))
        if len(keys) > wanted:
            self.account.leave("over what is taken of its data set", len(keys) - wanted)
        places = np.arange(start, len(self.spool), dtype=np.uint32)
        if wanted == len(keys):
            return np.asarray(keys), places
        first = np.argsort(np.asarray(keys), kind="stable")[:wanted]
        return np.asarray(keys)[first], places[first]

    def _response(self, example: tables.Row) -> str:
        references: list[str] = example["references"]
        if not self.drawn:
            return references[0]
        drawn = int.from_bytes(order(self.seed, f"reference of {example['example_id']}"))
        return references[drawn % len(references)]


def _wanted(take: int | float, there: int) -> int:
    return min(take, there) if isinstance(take, int) else round(take * there)
