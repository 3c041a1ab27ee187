"""A hub of one data set on the loopback, in the hub's own format: commits, trees, files with ranges, a gated set.

It breaks off the first download half-way, as a lost connection does (`breaks`), keeps every request it saw, and counts
the bytes of files that it sent.
"""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote

COMMIT = "c0ffee00" * 5
SET, GATED = "mine/set", "mine/gated"


class HubServer(ThreadingHTTPServer):
    """Serves `files`, path -> content, as the data set `SET` at `COMMIT`."""

    daemon_threads = True

    def __init__(self, files: dict[str, bytes], *, breaks: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files, self.breaks, self.sent = files, breaks, 0
        self.seen: list[tuple[str, str, str | None]] = []  # method, path, range
        self.broken: set[str] = set()

    @property
    def address(self) -> str:
        """What `HF_ENDPOINT` is set to."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        asked = parse_qs(self.rfile.read(length).decode())
        self.server.seen.append(("POST", self.path, None))
        self._json([entry for path in asked.get("paths", []) for entry in self._entries(path)])

    def _answer(self, *, body: bool) -> None:
        path = unquote(self.path.split("?")[0])
        self.server.seen.append((self.command, path, self.headers.get("Range")))
        if path.startswith((f"/api/datasets/{GATED}", f"/datasets/{GATED}")):
            error = {"X-Error-Code": "GatedRepo", "X-Error-Message": f"Access to dataset {GATED} is restricted."}
            self._send(403, b"{}", "application/json", error, body=body)
        elif re.fullmatch(rf"/api/datasets/{SET}(/revision/[^/]+)?", path):
            siblings = [{"rfilename": name} for name in self.server.files]
            self._json({"id": SET, "sha": COMMIT, "private": False, "gated": False, "siblings": siblings, "tags": []})
        elif tree := re.fullmatch(rf"/api/datasets/{SET}/tree/{COMMIT}/?(.*)", path):
            below = f"{tree[1]}/".lstrip("/")
            names = [name for name in self.server.files if name.startswith(below)]
            if "recursive=true" not in self.path.lower():
                names = [below + name.removeprefix(below).split("/")[0] for name in names]
            self._json([entry for name in dict.fromkeys(names) for entry in self._entries(name)])
        elif (file := re.fullmatch(rf"/datasets/{SET}/resolve/{COMMIT}/(.+)", path)) and file[1] in self.server.files:
            self._file(file[1], body=body)
        else:
            self._send(404, b"{}", "application/json", {"X-Error-Code": "EntryNotFound"}, body=body)

    def _entries(self, name: str) -> list[dict[str, Any]]:
        """What the hub says of the file or folder `name`; nothing where there is none."""
        if name in self.server.files:
            return [{"type": "file", "oid": name, "size": len(self.server.files[name]), "path": name}]
        folder = any(file.startswith(f"{name}/") for file in self.server.files)
        return [{"type": "directory", "oid": name, "size": 0, "path": name}] if folder else []

    def _file(self, name: str, *, body: bool) -> None:
        content = self.server.files[name]
        found = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        start, end = (int(found[1]), int(found[2] or len(content) - 1) + 1) if found else (0, len(content))
        headers = {"ETag": f'"{name}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        part = content[start:end]
        if part != content:
            headers["Content-Range"] = f"bytes {start}-{start + len(part) - 1}/{len(content)}"
        breaks = self.server.breaks and body and not self.server.broken
        if breaks:
            self.server.broken.add(name)
        self.server.sent += len(part) * body
        status = 200 if part == content else 206
        self._send(status, part, "application/octet-stream", headers, body=body, cut=len(part) // 2 * breaks)

    def _json(self, content: Any) -> None:
        self._send(200, json.dumps(content).encode(), "application/json", {}, body=self.command != "HEAD")

    def _send(
        self, status: int, content: bytes, kind: str, headers: dict[str, str], *, body: bool, cut: int = 0
    ) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Type": kind, "Content-Length": str(len(content))}.items():
            self.send_header(key, value)
        self.end_headers()
        if body:
            self.wfile.write(content[: len(content) - cut])
        if cut:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def hub(files: dict[str, bytes], *, breaks: bool = True) -> Iterator[HubServer]:
    """A running server; stopped behind the block."""
    server = HubServer(files, breaks=breaks)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
