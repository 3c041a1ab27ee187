"""Check before a training run that its checkpoints and weights fit on the disk."""

import shutil
from pathlib import Path

from reset.errors import ResetError


def require(needed: int, work: Path) -> None:
    """Raise `ResetError` if `needed` bytes, less those that `work` already holds, do not fit on the disk of `work`."""
    written = sum(file.stat().st_size for file in work.rglob("*") if file.is_file())
    existing = next(folder for folder in (work, *work.absolute().parents) if folder.is_dir())
    free = shutil.disk_usage(existing).free
    if needed - written > free:
        raise ResetError(
            f"{work}: training writes {needed / 1e9:.3g} GB of checkpoints and weights; {written / 1e9:.3g} GB of"
            f" them are written already, only {free / 1e9:.3g} GB are free"
        )
