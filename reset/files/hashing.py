"""Hashes of files, folders and parameters: what a long stage resumes by.

Two runs whose inputs, parameters and code have the same hashes make the same rows.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from reset import __version__
from reset.errors import ResetError


def fingerprint(**parts: Any) -> str:
    """Return 16 hex digits that differ whenever one of `parts`, or this program's version, does."""
    text = json.dumps({**parts, "version": __version__}, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, or of all names and contents of a folder."""
    if not path.exists():
        raise ResetError(f"{path}: no such file or folder")
    files = (
        [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    )
    total = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            content = hashlib.file_digest(opened, "sha256").hexdigest()
        total.update(f"{file.relative_to(path)} {content}\n".encode())
    return total.hexdigest()
