"""Mixtures: one supervised training set from several data sets, with small parts up-sampled to the largest.

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
    """Write the mixture of `parts` to `into`; return the account, and the examples, rows and share of each data set.

    - `take`: how much of a data set is used, as a count (int) or a fraction (float). The default is all of it.
    - `rows`: the most examples drawn from each part, by a seeded hash of their ids.
    - `upsample`: repeat each part in whole as often as it fits into the largest, then add a seeded remainder.
    - `drawn`: the response is drawn from the references by a seeded hash, instead of being the first.

    Rows without a reference are set aside, and so are the ids in `left_out`, for the reason given there.
    """
    account, distinct, written = Account(), Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    with tables.Writer(into, schemas.MIXTURES) as writer, Spool(into.parent) as spool:
        draw = _Draw(examples, split, template, seed, left_out, drawn, spool, account)
        places_of = {name: draw.part(members, take, rows) for name, members in parts.items()}
        empty = [name for name, places in places_of.items() if not len(places)]
        if empty and split == "train":
            raise ResetError(f"{into.stem}: no {split} examples in {', '.join(empty)}")
        size = max(map(len, places_of.values()), default=0)
        for name, places in places_of.items():
            for number in range(size if upsample and len(places) else len(places)):
                repeat, index = divmod(number, len(places))
                row = spool.row(places[index])
                writer.write({**row, "repeat": repeat})
                written[name, row["dataset"]] += 1
                distinct[name, row["dataset"]] += repeat == 0
    return account, _composition(parts, distinct, written)


def _composition(
    parts: Mapping[str, Sequence[str]], distinct: Counter[tuple[str, str]], written: Counter[tuple[str, str]]
) -> list[dict[str, Any]]:
    """Return one dict per part and data set: distinct examples, rows after up-sampling, and share of all rows."""
    return [
        {
            "part": name,
            "dataset": dataset,
            "examples": distinct[name, dataset],
            "rows": written[name, dataset],
            "share": round(written[name, dataset] / max(written.total(), 1), 4),
        }
        for name, members in parts.items()
        for dataset in members
    ]


@dataclass(frozen=True)
class _Draw:
    """Draws parts. Training rows are kept on disk, in `spool`; memory holds the sort key and place of each."""

    examples: Path
    split: str
    template: str
    seed: int
    left_out: Mapping[str, str]
    drawn: bool
    spool: Spool
    account: Account

    def part(self, members: Sequence[str], take: Mapping[str, int | float], rows: int | None) -> np.ndarray:
        """Return the places in `spool`, (rows,) uint32, of at most `rows` rows of `members`, in seeded order."""
        taken = [self._take(dataset, take.get(dataset, 1.0)) for dataset in members]
        keys, places = (np.concatenate(arrays) for arrays in zip(*taken, strict=True))
        chosen = places[np.argsort(keys, kind="stable")][:rows]
        self.account.keep(len(chosen))
        if len(chosen) < len(places):
            self.account.leave("over the part's rows", len(places) - len(chosen))
        return chosen

    def _take(self, dataset: str, take: int | float) -> tuple[np.ndarray, np.ndarray]:
        """Return sort keys, (rows,) uint64, and places, (rows,) uint32, of the rows taken from a data set.

        These are the first rows in seeded order. The rows themselves go to `spool`.
        """
        keys, start = array("Q"), len(self.spool)
        for example in tables.read(self.examples / dataset / f"{self.split}.parquet", schemas.EXAMPLES):
            if reason := self.left_out.get(example["example_id"]):
                self.account.leave(reason)
            elif not example["references"]:
                self.account.leave("no reference to train on")
            else:
                keys.append(int.from_bytes(order(self.seed, example["example_id"])))
                self.spool.add(training_row(example, self.template, response=self._response(example)))
        wanted = _rows_to_take(take, len(keys))
        if len(keys) > wanted:
            self.account.leave("over what is taken of its data set", len(keys) - wanted)
        places = np.arange(start, len(self.spool), dtype=np.uint32)
        if wanted == len(keys):
            return np.asarray(keys), places
        chosen = np.argsort(np.asarray(keys), kind="stable")[:wanted]
        return np.asarray(keys)[chosen], places[chosen]

    def _response(self, example: tables.Row) -> str:
        references: list[str] = example["references"]
        if not self.drawn:
            return references[0]
        key = int.from_bytes(order(self.seed, f"reference of {example['example_id']}"))
        return references[key % len(references)]


def _rows_to_take(take: int | float, available: int) -> int:
    return min(take, available) if isinstance(take, int) else round(take * available)
