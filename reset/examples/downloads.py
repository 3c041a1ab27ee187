"""Download files from plain URLs; a download that broke off goes on where it was."""

import hashlib
import time
import urllib.request
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from urllib.error import HTTPError
from urllib.parse import urlsplit

from reset.errors import ResetError

TIMEOUT_S = 60  # of one read, and of a look at the speed
SLOWEST = 1_000  # bytes a second
PART = 2**16


def downloaded(urls: Mapping[str, str], revision: str | None, folder: Path) -> Iterator[tuple[str, str, Path]]:
    """Yield each of `urls` (split -> URL with {revision}) as split, URL and the file in `folder` that it is now in."""
    for split, pattern in urls.items():
        url = pattern.format(revision=revision)
        url_hash = hashlib.sha256(url.encode()).hexdigest()[:16]  # keeps the files of different revisions apart
        file = folder / url_hash / PurePosixPath(urlsplit(url).path).name
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            download(url, file)
        yield split, url, file


def download(url: str, file: Path) -> None:
    """Download `url` to `file`, resuming after the bytes that an earlier, failed attempt has left in `file`.part.

    If the server has nothing after them (status 416), they are the whole file, or of another one and are dropped.
    """
    part = file.with_name(f"{file.name}.part")
    offset = part.stat().st_size if part.exists() else 0
    try:
        expected = _append(url, part, offset)
    except HTTPError as error:
        if not offset or error.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise _failed(url, error) from error
        if error.headers.get("Content-Range") != f"bytes */{offset}":
            part.unlink()
            download(url, file)
            return
        expected = offset
    except (OSError, HTTPException) as error:
        raise _failed(url, error) from error
    if expected is not None and part.stat().st_size != expected:
        raise ResetError(
            f"Cannot download {url}: it stopped at {part.stat().st_size} of {expected} bytes; "
            "the next run resumes there (or set `path` to a local copy)"
        )
    part.rename(file)


def _append(url: str, part: Path, offset: int) -> int | None:
    """Append what follows the first `offset` bytes to `part`; return the size that the server says, None if none."""
    request = urllib.request.Request(url, headers={"Range": f"bytes={offset}-"} if offset else {})
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:  # nosec B310: an address of reset/sources
        start = offset if getattr(reply, "status", None) == HTTPStatus.PARTIAL_CONTENT else 0
        length = reply.headers.get("Content-Length")
        with part.open("ab" if start else "wb") as target:
            _copy(reply, target)
    return None if length is None else start + int(length)


def _copy(reply: Any, target: BinaryIO) -> None:
    """Write what `reply` sends; `OSError` if that is slower than `SLOWEST` over `TIMEOUT_S`: a server that drips."""
    began, count = time.monotonic(), 0
    while part := reply.read1(PART):
        target.write(part)
        count += len(part)
        if (seconds := time.monotonic() - began) >= TIMEOUT_S:
            if count < SLOWEST * seconds:
                raise OSError(f"it sends {count / seconds:,.0f} bytes a second, less than {SLOWEST:,}")
            began, count = time.monotonic(), 0


def _failed(url: str, error: Exception) -> ResetError:
    return ResetError(f"Cannot download {url}: {error} (run it again, or set `path` to a local copy)")
