"""A hub on the loopback in the form of Hugging Face's: it serves folders, or files in memory, as models and data sets.

It answers what `huggingface_hub`, `datasets` and `transformers` ask to look at and download a repository: its commit,
files with their sizes, its card (of README.md), trees, whether an account may read it, and files, whole or in ranges. A
repository may be gated; the first download may break off half-way, as a lost connection does. Every request is kept,
and the bytes of files that were sent are counted.

    with hub({"models/mine/tiny": Path("tiny"), "datasets/mine/set": {"train.jsonl": b"..."}}) as server:
        ...  # with HF_ENDPOINT set to server.address before huggingface_hub is imported
"""

import hashlib
import json
import re
import socket
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, unquote

import yaml

Content = Path | Mapping[str, bytes]  # a folder, or file name -> content
MAIN = "main"
Headers = dict[str, str]


def commit(name: str) -> str:
    """The commit that a repository, such as `models/mine/tiny`, is at."""
    return hashlib.sha1(name.encode()).hexdigest()


class HubServer(ThreadingHTTPServer):
    """Serves `repositories`, whose names start with models/ or datasets/."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self, repositories: Mapping[str, Content], gated: Collection[str], breaks: bool, commits: Mapping[str, str]
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories, self.gated, self.breaks, self.sent = repositories, gated, breaks, 0
        self.commits = commits
        self.seen: list[tuple[str, str, str | None]] = []  # method, path, range
        self.broken: set[str] = set()  # files whose first download broke off

    @property
    def address(self) -> str:
        """What `HF_ENDPOINT` is set to."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def commit(self, repository: str) -> str:
        """The commit that a repository is at."""
        return self.commits.get(repository) or commit(repository)

    def names(self, repository: str) -> list[str]:
        """The files of a repository."""
        content = self.repositories[repository]
        if isinstance(content, Path):
            return sorted(str(file.relative_to(content)) for file in content.rglob("*") if file.is_file())
        return list(content)

    def read(self, repository: str, name: str) -> bytes:
        """The content of a file."""
        content = self.repositories[repository]
        return (content / name).read_bytes() if isinstance(content, Path) else content[name]

    def handle_error(self, *_: Any) -> None:
        """Say nothing of a client that went away."""


class _Handler(BaseHTTPRequestHandler):
    server: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

    def _answer(self, form: str = "") -> None:
        path = unquote(self.path.split("?")[0])
        self.server.seen.append((self.command, path, self.headers.get("Range")))
        api = path.startswith("/api/")
        name = path.removeprefix("/api/").removeprefix("/")
        name = name if name.startswith(("models/", "datasets/")) else f"models/{name}"
        repository = next((one for one in self.server.repositories if f"{name}/".startswith(f"{one}/")), None)
        if repository is None:
            self._refuse(404, "RepoNotFound")
            return
        rest = name.removeprefix(repository).removeprefix("/")
        whole = api and (not rest or rest.startswith("revision/"))
        if repository in self.server.gated and not whole:
            self._refuse(403, "GatedRepo", f"Access to {repository} is restricted.")
        elif api:
            self._describe(repository, rest, form)
        else:
            self._resolve(repository, rest)

    def _describe(self, repository: str, rest: str, form: str) -> None:
        what, _, below = rest.partition("/")
        if what == "auth-check":
            self._json({})
            return
        revision, _, folder = below.partition("/")
        if not self._known(repository, revision or MAIN):
            self._refuse(404, "RevisionNotFound")
        elif what == "tree":
            self._json(self._tree(repository, folder))
        elif what == "paths-info":
            paths = parse_qs(form).get("paths", []) or json.loads(form or "{}").get("paths", [])
            self._json([entry for path in paths for entry in self._entries(repository, path)])
        else:
            self._json(self._info(repository))

    def _known(self, repository: str, revision: str) -> bool:
        return revision in (MAIN, self.server.commit(repository))

    def _info(self, repository: str) -> dict[str, Any]:
        names = self.server.names(repository)
        files = [{"rfilename": name, "size": len(self.server.read(repository, name))} for name in names]
        card = self._card(repository) if "README.md" in names else {}
        gated = "manual" if repository in self.server.gated else False
        id = repository.partition("/")[2]
        facts = {"id": id, "sha": self.server.commit(repository), "private": False, "gated": gated, "tags": []}
        return {**facts, "siblings": files, "cardData": card}

    def _card(self, repository: str) -> dict[str, Any]:
        front = re.match(r"---\n(.*?)\n---", self.server.read(repository, "README.md").decode(), re.DOTALL)
        return yaml.safe_load(front[1]) if front else {}

    def _tree(self, repository: str, folder: str) -> list[dict[str, Any]]:
        below = f"{folder}/".lstrip("/")
        names = [name for name in self.server.names(repository) if name.startswith(below)]
        if "recursive=true" not in self.path.lower():
            names = [below + name.removeprefix(below).split("/")[0] for name in names]
        return [entry for name in dict.fromkeys(names) for entry in self._entries(repository, name)]

    def _entries(self, repository: str, name: str) -> list[dict[str, Any]]:
        """What the hub says of the file or folder `name`; nothing where there is none."""
        names = self.server.names(repository)
        if name in names:
            size = len(self.server.read(repository, name))
            return [{"type": "file", "oid": name, "size": size, "path": name}]
        folder = any(file.startswith(f"{name}/") for file in names)
        return [{"type": "directory", "oid": name, "size": 0, "path": name}] if folder else []

    def _resolve(self, repository: str, rest: str) -> None:
        found = re.fullmatch(r"resolve/([^/]+)/(.+)", rest)
        if not found or not self._known(repository, found[1]):
            self._refuse(404, "RevisionNotFound")
        elif found[2] not in self.server.names(repository):
            self._refuse(404, "EntryNotFound")
        else:
            self._file(repository, found[2])

    def _file(self, repository: str, name: str) -> None:
        content = self.server.read(repository, name)
        found = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        start, end = (int(found[1]), int(found[2] or len(content) - 1) + 1) if found else (0, len(content))
        tag = hashlib.sha1(content).hexdigest()
        headers = {"ETag": f'"{tag}"', "X-Repo-Commit": self.server.commit(repository), "Accept-Ranges": "bytes"}
        part = content[start:end]
        if part != content:
            headers["Content-Range"] = f"bytes {start}-{start + len(part) - 1}/{len(content)}"
        breaks = self.server.breaks and self.command == "GET" and not self.server.broken
        if breaks:
            self.server.broken.add(name)
        self.server.sent += len(part) * (self.command == "GET")
        cut = len(part) // 2 if breaks else 0
        self._send(200 if part == content else 206, part, "application/octet-stream", headers, cut)

    def _json(self, content: Any) -> None:
        self._send(200, json.dumps(content, default=str).encode(), "application/json", {})

    def _refuse(self, status: int, code: str, message: str = "") -> None:
        self._send(status, b"{}", "application/json", {"X-Error-Code": code, "X-Error-Message": message or code})

    def _send(self, status: int, content: bytes, kind: str, headers: Headers, cut: int = 0) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Type": kind, "Content-Length": str(len(content))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[: len(content) - cut])
        if cut:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def hub(
    repositories: Mapping[str, Content],
    *,
    gated: Collection[str] = (),
    breaks: bool = False,
    commits: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[HubServer]:
    """A running server; stopped behind the block. With `breaks`, the first download breaks off half-way.

    `commits` are those of repositories whose revision somebody pins.
    """
    server = HubServer(repositories, gated, breaks, commits)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
