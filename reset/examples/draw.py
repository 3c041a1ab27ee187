"""Draw the prompts that a pool answers: so many examples per data set, in an order that new data does not change."""

from collections.abc import Iterator, Mapping
from heapq import nsmallest
from pathlib import Path

from reset.errors import ResetError
from reset.examples.seeded_order import order
from reset.files import schemas, tables
from reset.files.row_accounts import Account


def draw(
    examples: Path,
    into: Path,
    *,
    split: str,
    skip: int,
    rows: Mapping[str, int],
    seed: int,
    left_out: Mapping[str, str],
) -> tuple[Account, dict[str, int]]:
    """Write at most `rows[dataset]` examples of `split` per data set, after leaving out the first `skip`.

    The ids `left_out` are set aside for the reason given there. Returns the account and how many were drawn of each
    data set. Raises `ResetError` for one that has no example left.
    """
    account, drawn = Account(), {}
    with tables.Writer(into, schemas.EXAMPLES) as writer:
        for dataset, count in rows.items():
            chosen = _of_one(examples / dataset / f"{split}.parquet", skip, count, seed, left_out, account)
            if not chosen and count:
                left = f" after the first {skip}" if skip else ""
                raise ResetError(f"{into.stem}: data set '{dataset}' has no {split} example to draw{left}")
            for row in chosen:
                writer.write(row)
            drawn[dataset] = len(chosen)
    return account, drawn


def _of_one(
    path: Path, skip: int, count: int, seed: int, left_out: Mapping[str, str], account: Account
) -> list[tables.Row]:
    """Read twice, first the ids alone, so that only the rows drawn are ever held."""
    there = 0

    def keys() -> Iterator[tuple[bytes, str]]:
        nonlocal there
        for name in tables.column(path, schemas.EXAMPLES, "example_id"):
            if name in left_out:
                account.leave(left_out[name])
            else:
                there += 1
                yield order(seed, name), name

    first = nsmallest(max(skip + count, 1), keys())  # of none at all it would not read the ids
    place = {example_id: number for number, (_, example_id) in enumerate(first[skip : skip + count])}
    account.keep(len(place))
    if len(place) < there:
        account.leave("not drawn", there - len(place))
    drawn = [row for row in tables.read(path, schemas.EXAMPLES) if row["example_id"] in place]
    return sorted(drawn, key=lambda row: place[row["example_id"]])
