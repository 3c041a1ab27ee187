"""Preparation: raw records to the examples table, one file per split, every record counted.

A record is kept, or set aside for its source's reason or one of these: an empty instruction, question, context or
answer, an exact duplicate (the same instruction, question, passages and first reference, blanks and Unicode forms
apart; the first in the order train, dev, test stays), or an id that was there before.
"""

import hashlib
import unicodedata
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from reset import formats, tables
from reset.accounts import Account
from reset.errors import ResetError
from reset.folders import whole_folder
from reset.shares import check, drawn
from reset.sources import Example, Record, SetAside, Source

FILES = (*tables.SPLITS, "records")


class _Located(ResetError):
    """An error that names its file and line already."""


def prepare(
    source: Source, raw: Path, into: Path, *, dataset: str, shares: Mapping[str, float] | None, max_set_aside: float
) -> Account:
    """Write the examples of the folder `raw` to {train,dev,test}.parquet in the folder `into`, all three or none.

    `shares` draws the split of each record by a stable hash of its id: of those without a split and of train, and of
    dev or test where `shares` names them (`{train: 0.98, dev: 0.02}` holds dev rows out of train, test stays).
    Raises `ResetError` for a broken record, with its file and line, and when more than `max_set_aside` (a share of all
    records) is left out.
    """
    account, gate = Account(), _Gate(dataset, shares)
    with whole_folder(into) as folder, ExitStack() as stack:
        writers = {
            split: stack.enter_context(tables.Writer(folder / f"{split}.parquet", tables.EXAMPLES))
            for split in tables.SPLITS
        }
        for path in _files(raw):
            for outcome in _outcomes(source, path):
                row = gate.admit(outcome, path)
                if isinstance(row, SetAside):
                    account.leave(row.reason)
                else:
                    writers[row["split"]].write(row)
                    account.keep()
        _stop_if_too_much_is_left_out(account, dataset, max_set_aside)
    return account


def _files(raw: Path) -> list[Path]:
    if not raw.is_dir():
        raise ResetError(f"{raw}: no such folder (the stage `fetch` writes it)")
    files = [path for name in FILES if (path := raw / f"{name}.jsonl").is_file()]
    if not files:
        raise ResetError(f"{raw}: holds none of {', '.join(f'{name}.jsonl' for name in FILES)}")
    return files


def _outcomes(source: Source, path: Path) -> Iterator[Example | SetAside]:
    """Yield one outcome per record of `path`; an error of the source gets the line of the record it is about."""
    waiting: deque[int] = deque()  # lines of the records read, but not answered yet
    outcomes = source.outcomes(_lines(path, waiting))
    try:
        for outcome in outcomes:
            if not waiting:
                raise ResetError("the source gave more outcomes than records")
            waiting.popleft()
            yield outcome
        if waiting:
            raise ResetError("the source gave no outcome for this record")
    except _Located:
        raise
    except ResetError as error:
        raise ResetError(f"{path}:{waiting[0] if waiting else 'end'}: {error.message}") from error


def _lines(path: Path, waiting: deque[int]) -> Iterator[Record]:
    try:
        for line, record in formats.json_lines(path):
            waiting.append(line)
            yield record
    except ResetError as error:
        raise _Located(error.message) from error


def _stop_if_too_much_is_left_out(account: Account, dataset: str, max_set_aside: float) -> None:
    if not account.rows_in:
        raise ResetError(f"{dataset}: no records")
    share = 1 - account.rows_out / account.rows_in
    if share > max_set_aside:
        raise ResetError(
            f"{dataset}: {share:.1%} of the records set aside, max_set_aside is {max_set_aside:.1%} ({account})"
        )


class _Gate:
    """Decides for each outcome whether it becomes a row, of which split."""

    def __init__(self, dataset: str, shares: Mapping[str, float] | None) -> None:
        self._dataset, self._shares = dataset, shares
        self._contents: set[bytes] = set()
        self._ids: set[bytes] = set()
        if shares is not None:
            check(shares, f"datasets.{dataset}.shares")

    def admit(self, outcome: Example | SetAside, path: Path) -> tables.Row | SetAside:
        """Return the row of an outcome read from `path`, or why there is none."""
        if isinstance(outcome, SetAside):
            return outcome
        row = self._row(outcome, self._split(outcome, path))
        fault = _fault(row) or self._repeated(row)
        return SetAside(fault) if fault else row

    def _split(self, example: Example, path: Path) -> str:
        own = path.stem if path.stem in tables.SPLITS else example.split
        if self._shares is None:
            if own is None:
                raise ResetError(f"{path}: its records have no split, so datasets.{self._dataset}.shares must be set")
            return own
        if own in ("dev", "test") and own not in self._shares:
            return own
        return drawn(f"{self._dataset}/{own}/{example.id}", self._shares)

    def _row(self, example: Example, split: str) -> tables.Row:
        return {
            "example_id": f"{self._dataset}/{split}/{example.id}",
            "dataset": self._dataset,
            "split": split,
            "task": example.task,
            "instruction": example.instruction,
            "question": example.question,
            "passages": list(example.passages),
            "references": list(example.references),
            "checks": example.checks,
        }

    def _repeated(self, row: tables.Row) -> str:
        content = _digest(row["instruction"], row["question"], *row["passages"], *row["references"][:1])
        if content in self._contents:
            return "duplicate"
        name = hashlib.blake2b(row["example_id"].encode(), digest_size=12).digest()
        if name in self._ids:
            return "duplicate id"
        self._contents.add(content)
        self._ids.add(name)
        return ""


def _fault(row: tables.Row) -> str:
    """Say what a row lacks, or "". Instructions of the test split need no answer: they are rated without one."""
    context, references = [passage for passage in row["passages"] if passage.strip()], row["references"]
    if not row["instruction"].strip():
        return "empty instruction"
    if row["task"].endswith("_qa") and not row["question"].strip():
        return "empty question"
    if row["task"] != "instruction" and not context:
        return "empty context"
    optional = row["task"] == "instruction" and row["split"] == "test"
    if not (references and references[0].strip()) and not (optional and not references):
        return "empty answer"
    return "" if _encodable(row) else "broken Unicode"


def _encodable(row: tables.Row) -> bool:
    """Say whether the texts are UTF-8, as half a surrogate pair is not."""
    try:
        "".join([row["example_id"], row["instruction"], row["question"], *row["passages"], *row["references"]]).encode()
    except UnicodeEncodeError:
        return False
    return True


def _digest(*parts: str) -> bytes:
    """Hash texts after Unicode composition, with runs of blanks as one."""
    plain = " ".join("\n\0\n".join(parts).split())
    return hashlib.blake2b(unicodedata.normalize("NFC", plain).encode(), digest_size=12).digest()
