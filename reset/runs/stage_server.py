"""Start stages from one process that has the heavy libraries loaded: `python -m reset.runs.stage_server SOCKET PID`.

Importing torch, transformers and TRL takes five to nine seconds of processor, and a run has some fifty stages that need
them. The command `dvc` (reset/dvc_command/) starts this server. `python -m stages.<name>` then asks it for the stage
(stages/__init__.py): the server forks, and the child runs the stage with the caller's arguments, environment, folder
and terminal; so does each rank that a training starts. Only libraries of others are loaded before the fork, never this
one, so an edit counts at once. Without the server, a stage runs in its own process as ever, with the same result.

A fork is safe while no other thread of Python runs; else the server refuses, and the caller runs the stage itself.
(OpenBLAS and jemalloc have threads of their own by then, and handlers that stop and start them around a fork.) A stage
dies with its caller, and the server with the `dvc` that started it, PID. Linux alone.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

from reset.runs import endings
from reset.runs.lean_imports import without

SOCKET = "RESET_STAGE_SERVER"  # environment variable: the path of the server's socket
LIGHT = ("numpy", "pandas", "pyarrow.parquet", "pydantic", "yaml", "click", "psutil", "tqdm")
MODEL = (
    "torch",
    "transformers",
    "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto",
)
TRAINER = ("datasets", "deepspeed", "peft", "trl.trainer.sft_trainer")
JUDGE = (*MODEL, "nltk", "openai")
LIBRARIES = {"base": (*MODEL, *TRAINER), "train": (*MODEL, *TRAINER), "sample": MODEL, "judge": JUDGE, "watch": JUDGE}
UNUSED = ("mlflow", "scipy", "sklearn")  # they import these, seven seconds of sixteen, for what no stage calls
LENGTH = 4  # bytes of a number on the socket


class Request(dict[str, Any]):
    """A stage to run: module, argv, environ, folder, and the caller's three standard files."""


def ask(path: str, module: str, arguments: list[str]) -> int | None:
    """Let the server at `path` run `module`; return the exit status, negative for a signal, or None if it does not."""
    request = {"module": module, "argv": [module, *arguments], "environ": dict(os.environ), "folder": str(Path.cwd())}
    content = json.dumps(request).encode()
    with socket.socket(socket.AF_UNIX) as server:
        try:
            server.connect(path)
            socket.send_fds(server, [len(content).to_bytes(LENGTH)], [0, 1, 2])
            server.sendall(content)
            pid = int.from_bytes(_receive(server, LENGTH))
        except OSError:
            return None
        if not pid:
            return None
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the stage gets it too, and ends in its own way
        signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
        status = _receive(server, LENGTH)
    return int.from_bytes(status, signed=True) if status else 1


def _receive(connection: socket.socket, size: int) -> bytes:
    """Return `size` bytes, or none where the other end has gone."""
    content = b""
    while len(content) < size:
        if not (part := connection.recv(size - len(content))):
            return b""
        content += part
    return content


class Server:
    """Forks a child per request and tells each caller how its child ended."""

    def __init__(self, listener: socket.socket, owner: int) -> None:
        self._listener, self._owner = listener, os.pidfd_open(owner)
        self._callers: dict[int, socket.socket] = {}  # by the child's process id
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._woken, False)
        signal.set_wakeup_fd(self._wake)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def serve(self) -> Request | None:
        """Wait for requests. Returns a request in the child that is to run it, None when the owner has gone."""
        with selectors.DefaultSelector() as selector:
            for end in (self._listener, self._owner, self._woken):
                selector.register(end, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self._owner:
                        self._kill(list(self._callers))
                        return None
                    if key.fileobj is self._woken:
                        self._reap(selector)
                    elif key.fileobj is self._listener:
                        if request := self._accept(selector):
                            return request
                    elif key.data in self._callers:  # this caller was killed
                        selector.unregister(key.fileobj)
                        self._kill([key.data])

    def _accept(self, selector: selectors.BaseSelector) -> Request | None:
        """Fork for one caller. Returns its request in the child, None in the server."""
        caller, _ = self._listener.accept()
        size, files, _, _ = socket.recv_fds(caller, LENGTH, 3)
        body = _receive(caller, int.from_bytes(size)) if len(files) == 3 else b""
        pid = 0
        if body:
            request = Request(json.loads(body))
            _load(LIBRARIES.get(request["module"].removeprefix("stages."), ()))
            gc.freeze()  # the child's collector leaves alone what it shares with this process
            if threading.active_count() == 1:
                pid = os.fork()
                if pid == 0:
                    self._close()
                    caller.close()
                    return _become(request, files)
        for file in files:
            os.close(file)
        with suppress(OSError):  # the caller has gone
            caller.sendall(pid.to_bytes(LENGTH))
        if pid:
            self._callers[pid] = caller
            selector.register(caller, selectors.EVENT_READ, data=pid)
        else:
            caller.close()
        return None

    def _reap(self, selector: selectors.BaseSelector) -> None:
        """Tell the callers of children that have ended."""
        os.read(self._woken, 4096)
        for pid in list(self._callers):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                caller = self._callers.pop(pid)
                with suppress(KeyError):  # a caller that was killed
                    selector.unregister(caller)
                with suppress(OSError):
                    caller.sendall(os.waitstatus_to_exitcode(status).to_bytes(LENGTH, signed=True))
                caller.close()

    def _kill(self, pids: list[int]) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _close(self) -> None:
        """Give up what only the server needs, in a child."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for caller in self._callers.values():
            caller.close()
        self._listener.close()
        for end in (self._owner, self._woken, self._wake):
            os.close(end)


def _load(libraries: tuple[str, ...]) -> None:
    with without(*UNUSED):
        for library in libraries:
            with suppress(ImportError):  # the stage itself says what is missing
                importlib.import_module(library)


def _become(request: Request, files: list[int]) -> Request:
    """Make this process the caller's: its files, folder, environment and arguments."""
    for standard, file in enumerate(files):
        os.dup2(file, standard)
        os.close(file)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environ"])
    endings.with_parent()  # the server
    leave_finalizers()
    sys.argv[:] = request["argv"]
    sys.path[0] = request["folder"]
    return request


def leave_finalizers() -> None:
    """Run none of the present finalizers at exit: they are the server's. torch's take 50 ms."""
    for finalizer in list(getattr(weakref.finalize, "_registry", ())):
        finalizer.atexit = False


def main() -> None:
    """Serve until the owner has gone; in a child, run its stage."""
    endings.told()  # a stage that is interrupted while it is imported ends in one line, too
    path, owner = Path(sys.argv[1]), int(sys.argv[2])
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        _load(LIGHT)
        try:
            server = Server(listener, owner)
        except ProcessLookupError:  # a short run: its `dvc` has ended meanwhile
            request = None
        else:
            request = server.serve()
    if request is None:
        path.unlink(missing_ok=True)
        path.parent.rmdir()
    else:
        _run(request["module"])


def _run(module: str) -> None:
    """Run a stage and end this process; what was loaded before the fork is not taken down, which takes two seconds."""
    status: int | str | None = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    if isinstance(status, str):
        print(status, file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else int(status is not None))


if __name__ == "__main__":
    main()
