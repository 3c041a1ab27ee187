"""A starting model from the hub or a local folder; saved as safetensors, and remote code is never run."""

import re
import shutil
from pathlib import Path
from typing import Annotated, Any

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError
from pydantic import Field

from reset.bases import convert, usable
from reset.errors import ResetError

COMMIT = re.compile(r"[0-9a-f]{40}")
REFUSALS = (RepositoryNotFoundError, LocalEntryNotFoundError, HfHubHTTPError, OSError, ValueError)
FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]


class HubModel:
    """A model by `id`: a hub id at a pinned `revision`, or a local folder, with `revision` null.

    With `convert`, pickled weights and a sentencepiece tokenizer are converted (`reset.bases.convert`) if the model has
    no safetensors weights, or no tokenizer.json. Weights in a few bits are refused unless `trained` is false, as for a
    model that only judges.
    """

    def __init__(
        self,
        *,
        needs: Path,
        seed: int,
        id: Annotated[str, Field(pattern=r"\S")],
        revision: str | None,
        convert: bool = False,
        trained: bool = True,
    ) -> None:
        self._id, self._revision, self._convert, self._trained = id, revision, convert, trained

    def build(self, into: Path, work: Path) -> dict[str, Any]:
        """Copy the model to `into`; return its size in bytes and the hub's commit. Pickled weights go to `work` first.

        A revision that is a branch is the same commit for all files. Raises `ResetError` if the model does not exist,
        or cannot be trained from (`reset.bases.usable`).
        """
        commit = self._revision = self._commit()
        self._fetch(into, FILES)
        if self._convert:
            self._convert_old(into, work)
        usable.check(into, self._id, trained=self._trained)
        size = sum(file.stat().st_size for file in into.rglob("*") if file.is_file())
        return {"bytes": size, "revision": commit}

    def _commit(self) -> str | None:
        """Return the commit that the revision means now; None for a local folder."""
        if Path(self._id).is_dir():
            return None
        if self._revision and COMMIT.fullmatch(self._revision):
            return self._revision
        try:
            return str(HfApi().model_info(self._id, revision=self._revision).sha)
        except REFUSALS as error:
            raise self._failure(error) from error

    def _convert_old(self, into: Path, work: Path) -> None:
        if not any(into.glob("*.safetensors")):
            source = Path(self._id)
            if not source.is_dir():
                self._fetch(work, [convert.PICKLED, convert.INDEX])
                source = work
            convert.weights(source, into, self._id)
        if not (into / "tokenizer.json").is_file():
            convert.tokenizer(into, self._id)

    def _fetch(self, into: Path, patterns: list[str]) -> None:
        source = Path(self._id)
        if source.is_dir():
            _copy(source, into, patterns)
            return
        try:
            snapshot_download(self._id, revision=self._revision, local_dir=into, allow_patterns=patterns)
        except REFUSALS as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> ResetError:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        return ResetError(
            f"base model '{self._id}' is not a local folder and cannot be downloaded from the hub: {reason}"
        )


def _copy(source: Path, into: Path, patterns: list[str]) -> None:
    into.mkdir(parents=True, exist_ok=True)
    for pattern in patterns:
        for file in source.glob(pattern):
            shutil.copyfile(file, into / file.name)
