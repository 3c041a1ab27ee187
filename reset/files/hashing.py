"""Hashes of files, folders and parameters. A long stage resumes if its fingerprint, made of them, is unchanged.

Two runs whose inputs, parameters and code have the same hashes make the same rows.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from reset import __version__
from reset.errors import ResetError


def fingerprint(**parts: Any) -> str:
    """Return 16 hex digits: a hash of `parts` (values that JSON can hold) and of this program's version."""
    text = json.dumps({**parts, "version": __version__}, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_hash(path: Path) -> str:
    """Return a SHA-256 of a file's content, or of all paths and contents in a folder, without `__pycache__`."""
    if not path.exists():
        raise ResetError(f"{path}: no such file or folder")
    files = (
        [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    )
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        digest.update(f"{file.relative_to(path)} {content}\n".encode())
    return digest.hexdigest()
