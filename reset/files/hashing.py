"""Hashes of files, folders and parameters. A long stage resumes if its fingerprint, made of them, is unchanged.

Two runs whose inputs, parameters and code have the same hashes make the same rows.
"""

import hashlib
import json
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from reset import __version__
from reset.errors import ResetError

# libraries that compute; another version may round otherwise
LIBRARIES = (
    "deepspeed", "nltk", "numpy", "peft", "rouge-score", "summac", "tokenizers", "torch", "transformers", "trl", "vllm"
)  # fmt: skip


def fingerprint(**parts: Any) -> str:
    """Return 16 hex digits: a hash of `parts` (values that JSON can hold), this program's version and `LIBRARIES`'."""
    text = json.dumps({**parts, "version": __version__, "libraries": _versions()}, sort_keys=True, ensure_ascii=False)
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


@cache
def _versions() -> dict[str, str | None]:
    return {name: _version(name) for name in LIBRARIES}


def _version(library: str) -> str | None:
    """Return the version that is installed; None if none is."""
    try:
        return version(library)
    except PackageNotFoundError:
        return None
