"""A starting model from the hub or a local folder; saved as safetensors, and remote code is never run."""

import shutil
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

from reset.bases import convert, usable
from reset.errors import ResetError

FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]


class HubModel:
    """A model by `id`: a hub id at a pinned `revision`, or a local folder, with `revision` null.

    With `convert`, pickled weights and a sentencepiece tokenizer are converted (`reset.bases.convert`) if the model has
    no safetensors weights, or no tokenizer.json. Weights in a few bits are refused unless `trained` is false, as for a
    model that only judges.
    """

    def __init__(
        self, *, needs: Path, seed: int, id: str, revision: str | None, convert: bool = False, trained: bool = True
    ) -> None:
        self._id, self._revision, self._convert, self._trained = id, revision, convert, trained

    def build(self, into: Path, work: Path) -> dict[str, Any]:
        """Copy the model to `into` and return its size in bytes; pickled weights are downloaded to `work`.

        Raises `ResetError` if the model does not exist, or cannot be trained from (`reset.bases.usable`).
        """
        self._fetch(into, FILES)
        if self._convert:
            self._convert_old(into, work)
        usable.check(into, self._id, trained=self._trained)
        return {"bytes": sum(file.stat().st_size for file in into.rglob("*") if file.is_file())}

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
        except (RepositoryNotFoundError, LocalEntryNotFoundError, HfHubHTTPError, OSError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise ResetError(
                f"base model '{self._id}' is not a local folder and cannot be downloaded from the hub: {reason}"
            ) from error


def _copy(source: Path, into: Path, patterns: list[str]) -> None:
    into.mkdir(parents=True, exist_ok=True)
    for pattern in patterns:
        for file in source.glob(pattern):
            shutil.copyfile(file, into / file.name)
