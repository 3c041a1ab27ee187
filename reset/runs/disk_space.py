"""Disk space that a training run will take, compared with what is free before it starts."""

import shutil
from pathlib import Path

from reset.errors import ResetError


def require(needed: int, work: Path) -> None:
    """Refuse to start in `work` if `needed` bytes, less what it already holds, do not fit on its disk."""
    held = sum(file.stat().st_size for file in work.rglob("*") if file.is_file())
    there = next(folder for folder in (work, *work.absolute().parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    if needed - held > free:
        raise ResetError(
            f"{work}: training writes {needed / 1e9:.3g} GB of checkpoints and weights there, of which"
            f" {held / 1e9:.3g} GB are written; {free / 1e9:.3g} GB are free"
        )
