"""A starting model from the hub or a local folder; only safetensors are read, and remote code is never run."""

from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

from reset.bases import usable
from reset.errors import ResetError

FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]


class HubModel:
    """A model by `id`: a hub id at a pinned `revision`, or a local folder, with `revision` null.

    Weights in a few bits are refused unless `trained` is false, as for a model that only judges.
    """

    def __init__(self, *, needs: Path, seed: int, id: str, revision: str | None, trained: bool = True) -> None:
        self._id, self._revision, self._trained = id, revision, trained

    def build(self, into: Path, work: Path) -> dict[str, Any]:
        """Copy the model to `into` and return its size in bytes.

        Raises `ResetError` if the model does not exist, or cannot be trained from (`reset.bases.usable`).
        """
        source = Path(self._id)
        if source.is_dir():
            _copy(source, into)
        else:
            try:
                snapshot_download(self._id, revision=self._revision, local_dir=into, allow_patterns=FILES)
            except (RepositoryNotFoundError, LocalEntryNotFoundError, HfHubHTTPError, OSError, ValueError) as error:
                reason = str(error).splitlines()[0]
                raise ResetError(
                    f"base model '{self._id}' is not a local folder and cannot be downloaded from the hub: {reason}"
                ) from error
        usable.check(into, self._id, trained=self._trained)
        return {"bytes": sum(file.stat().st_size for file in into.rglob("*") if file.is_file())}


def _copy(source: Path, into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    for pattern in FILES:
        for file in source.glob(pattern):
            (into / file.name).write_bytes(file.read_bytes())
