"""Downloads, and going on with one that broke off, against a small server."""

import hashlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from reset.errors import ResetError
from reset.examples import downloads
from reset.examples.downloads import download, downloaded

pytestmark = pytest.mark.slow

CONTENT = b"".join(b"%d\n" % number for number in range(5_000))


class Server(BaseHTTPRequestHandler):
    """Serves `CONTENT`, breaking off the first reply halfway; knows ranges, and says 416 where nothing is left."""

    asked: ClassVar[list[str | None]] = []
    breaks_off: ClassVar[bool] = True
    tells_size: ClassVar[bool] = True

    def do_GET(self) -> None:
        """Send what is left of the content; of the whole, perhaps only half of what was promised."""
        asked = self.headers.get("Range")
        self.asked.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        rest = CONTENT[start:]
        if asked and not rest:
            self.send_response(416)
            if self.tells_size:
                self.send_header("Content-Range", f"bytes */{len(CONTENT)}")
            self.end_headers()
            return
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: len(rest) // 2] if self.breaks_off and not asked else rest)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[type[Server]]:
    class Fresh(Server):
        """A server with a memory of its own."""

        asked: ClassVar[list[str | None]] = []
        url: ClassVar[str] = ""

    running = HTTPServer(("127.0.0.1", 0), Fresh)
    Fresh.url = f"http://127.0.0.1:{running.server_port}/x.jsonl"
    Thread(target=running.serve_forever, daemon=True).start()
    yield Fresh
    running.shutdown()


def test_a_download_that_broke_off_goes_on_where_it_was(tmp_path: Path, server: Any) -> None:
    half = len(CONTENT) // 2
    with pytest.raises(ResetError, match=rf"stopped at {half} of {len(CONTENT)} bytes; the next run resumes there"):
        download(server.url, tmp_path / "x")
    download(server.url, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={half}-"]
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_part_that_is_the_whole_file_is_taken_as_it_is(tmp_path: Path, server: Any) -> None:
    (tmp_path / "x.part").write_bytes(CONTENT)
    download(server.url, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert server.asked == [f"bytes={len(CONTENT)}-"]


@pytest.mark.parametrize(("more", "tells_size"), [(b"", False), (b"of another file", True)])
def test_a_part_that_may_be_of_another_file_is_dropped(
    tmp_path: Path, server: Any, more: bytes, tells_size: bool
) -> None:
    server.breaks_off, server.tells_size = False, tells_size
    (tmp_path / "x.part").write_bytes(CONTENT + more)
    download(server.url, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert server.asked[1:] == [None]


def test_a_failed_download_names_the_address(tmp_path: Path) -> None:
    with pytest.raises(ResetError, match=r"Cannot download file://.*gone.jsonl: .*set `path` to a local copy"):
        download((tmp_path / "gone.jsonl").as_uri(), tmp_path / "x")


def test_a_file_that_is_there_is_not_downloaded_again(tmp_path: Path, server: Any) -> None:
    server.breaks_off = False
    urls = {"test": server.url + "?{revision}"}
    ((split, url, file),) = downloaded(urls, "v1", tmp_path)
    assert (split, url, file.read_bytes()) == ("test", server.url + "?v1", CONTENT)
    assert hashlib.sha256(url.encode()).hexdigest().startswith(file.parent.name)
    assert [file] == [file for _, _, file in downloaded(urls, "v1", tmp_path)]
    assert len(server.asked) == 1


@pytest.mark.parametrize(("sent", "enough"), [(1, False), (downloads.SLOWEST, True)])
def test_a_server_that_drips_is_given_up_and_a_slow_one_is_not(
    monkeypatch: pytest.MonkeyPatch, sent: int, enough: bool
) -> None:
    now = iter(range(0, 10_000, int(downloads.TIMEOUT_S)))
    monkeypatch.setattr(downloads, "time", SimpleNamespace(monotonic=lambda: float(next(now))))
    parts = iter([b"x" * sent * int(downloads.TIMEOUT_S)] * 3 + [b""])
    written = BytesIO()
    if enough:
        downloads._copy(SimpleNamespace(read1=lambda _: next(parts)), written)
        assert len(written.getvalue()) == 3 * sent * int(downloads.TIMEOUT_S)
    else:
        with pytest.raises(OSError, match=rf"it sends 1 bytes a second, less than {downloads.SLOWEST:,}"):
            downloads._copy(SimpleNamespace(read1=lambda _: next(parts)), written)
