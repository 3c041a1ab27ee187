"""Draw the prompts of a pool: a number of examples per data set, in a seeded order that new examples do not change."""

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
    """Write at most `rows[dataset]` examples of `split` per data set, after skipping the first `skip`.

    `left_out` maps ids that are set aside to the reason. Returns the account and the number drawn of each data set.
    Raises `ResetError` for a data set that has no example left to draw.
    """
    account, drawn = Account(), {}
    with tables.Writer(into, schemas.EXAMPLES) as writer:
        for dataset, count in rows.items():
            chosen = _draw_one(examples / dataset / f"{split}.parquet", skip, count, seed, left_out, account)
            if not chosen and count:
                left = f" after the first {skip}" if skip else ""
                raise ResetError(f"{into.stem}: data set '{dataset}' has no {split} example to draw{left}")
            for row in chosen:
                writer.write(row)
            drawn[dataset] = len(chosen)
    return account, drawn


def _draw_one(
    path: Path, skip: int, count: int, seed: int, left_out: Mapping[str, str], account: Account
) -> list[tables.Row]:
    """Draw from one data set. The file is read twice, first the ids alone, so that only drawn rows are in memory."""
    available = 0

    def keys() -> Iterator[tuple[bytes, str]]:
        nonlocal available
        for name in tables.column(path, schemas.EXAMPLES, "example_id"):
            if name in left_out:
                account.leave(left_out[name])
            else:
                available += 1
                yield order(seed, name), name

    first = nsmallest(max(skip + count, 1), keys())  # at least 1: nsmallest(0, ...) would not read the ids at all
    rank = {example_id: number for number, (_, example_id) in enumerate(first[skip : skip + count])}
    account.keep(len(rank))
    if len(rank) < available:
        account.leave("not drawn", available - len(rank))
    drawn = [row for row in tables.read(path, schemas.EXAMPLES) if row["example_id"] in rank]
    return sorted(drawn, key=lambda row: rank[row["example_id"]])
