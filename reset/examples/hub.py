"""Data sets of the Hugging Face hub, read with the `datasets` library; loading scripts are never run.

Since version 4.0 `datasets` refuses a revision that contains a loading script. Its automatic Parquet branch works:
`revision: refs/convert/parquet` in params.yaml, with `data_files` "<config>/{split}/*.parquet" in the source.
"""

from collections.abc import Iterator
from typing import Any

import datasets
from datasets.exceptions import DatasetsError
from huggingface_hub import HfApi, errors

from reset.errors import ResetError
from reset.sources import Where

# HTTPError, that of the client library: lost connections and the hub's own; RuntimeError: loading scripts
HTTPError: type[Exception] = errors.HTTPError  # type: ignore[attr-defined]
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

    def records(self, split: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of the hub's `split`."""
        where = self._where
        files = {split: where.data_files.format(split=split)} if where.data_files else None
        try:
            rows = datasets.load_dataset(
                str(where.hub),
                None if files else where.config,
                data_files=files,
                split=split,
                revision=self._revision,
            )
        except FAILURES as error:
            raise self._failure(error) from error
        yield from rows

    def _failure(self, error: Exception) -> ResetError:
        cause = next(iter(str(error).splitlines()), type(error).__name__)
        return ResetError(
            f"Cannot load '{self._where.hub}' at revision '{self._revision}' from the hub: {cause} "
            "(set `path` to a local copy, or another `revision`)"
        )
