"""Data sets of the Hugging Face hub, read with the `datasets` library; loading scripts are never run.

Where only some rows of a split are wanted, they are its first ones, in the order of the repository's files. They are
streamed: of a Parquet file only the row groups that hold them are downloaded. A JSON file that is one array is read
whole, so for such a repository take the hub's automatic Parquet branch.

Since version 4.0 `datasets` refuses a revision that contains a loading script. Its automatic Parquet branch works:
`revision: refs/convert/parquet` in params.yaml, with `data_files` "<config>/{split}/*.parquet" in the source.
"""

import gc
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import datasets
from datasets.exceptions import DatasetsError
from huggingface_hub import HfApi, errors

from reset.errors import ResetError
from reset.sources import Where

# HTTPError, that of the client library: lost connections and the hub's own; RuntimeError: loading scripts
HTTPError: type[Exception] = errors.HTTPError  # type: ignore[attr-defined]
datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = False  # would tell another host which data set was loaded
FAILURES = (DatasetsError, HTTPError, OSError, RuntimeError, ValueError)


class Hub:
    """One data set of the hub at `revision`, or if that is None, at the source's own revision."""

    def __init__(self, where: Where, revision: str | None) -> None:
        self._where, self._revision = where, revision or where.revision

    def commit(self) -> str:
        """Return the commit to which the revision (perhaps a branch) resolves now; `records` then reads that commit."""
        try:
            self._revision = str(HfApi().dataset_info(str(self._where.hub), revision=self._revision).sha)
        except FAILURES as error:
            raise self._failure(error) from error
        return self._revision

    def records(self, split: str, rows: int | None = None) -> Iterator[dict[str, Any]]:
        """Yield the first `rows` rows of the hub's `split`; None: all of them."""
        try:
            if rows is None:
                yield from self._load(split)
            else:
                yield from _first(self._load(split, streaming=True), rows)
        except FAILURES as error:
            raise self._failure(error) from error

    def _load(self, split: str, *, streaming: bool = False) -> Any:
        where = self._where
        files = {split: where.data_files.format(split=split)} if where.data_files else None
        return datasets.load_dataset(
            str(where.hub),
            None if files else where.config,
            data_files=files,
            split=split,
            revision=self._revision,
            streaming=streaming,
        )

    def _failure(self, error: Exception) -> ResetError:
        cause = next(iter(str(error).splitlines()), type(error).__name__)
        return ResetError(
            f"Cannot load '{self._where.hub}' at revision '{self._revision}' from the hub: {cause} "
            "(set `path` to a local copy, or another `revision`)"
        )


def _first(rows: Iterable[dict[str, Any]], count: int) -> Iterator[dict[str, Any]]:
    """Yield the first `count` of `rows`, then drop the reader of a Parquet file that is not at its end.

    While that exists, Arrow's threads wait for it, and abort a process that ends (apache/arrow issue 45214).
    """
    reader: Any = iter(rows)
    try:
        yield from islice(reader, count)
    finally:
        reader.close()
        del reader
        gc.collect()
