"""Which files of a folder hold a text, also inside Parquet, SQLite, compressed files and the packed data of a page."""

import base64
import gzip
import re
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq


def holders(folder: Path, text: str) -> list[str]:
    """The files below `folder`, relative to it, that hold `text`; Git's objects among them."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return [str(path.relative_to(folder)) for path in files if any(text.encode() in part for part in parts(path))]


def parts(path: Path) -> Iterator[bytes]:
    """The bytes of a file, and what they unpack to; nothing of one that has just been removed."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:  # SQLite's files beside a database go when it is closed
        return
    yield content
    if content.startswith(b"PAR1"):
        yield repr(pq.read_table(path).to_pylist()).encode()
    elif content.startswith(b"SQLite format 3"):
        with sqlite3.connect(path) as database:
            yield "\n".join(database.iterdump()).encode()
    elif content.startswith(b"\x1f\x8b"):
        yield gzip.decompress(content)
    elif path.suffix == ".html":
        for packed in re.findall(rb"H4sI[A-Za-z0-9+/=]+", content):  # gzip in base64, as the report has its answers
            yield gzip.decompress(base64.b64decode(packed))
    elif ".git/objects" in path.as_posix() and path.suffix == "":
        try:
            yield zlib.decompress(content)
        except zlib.error:
            return
