"""Where the chunks of a long stage are worked on: in this process, or by the workers of a Ray cluster.

A worker is an actor of Ray Data's `map_batches` that holds one engine or judge, and a chunk is the unit of work either
way, so that the rows do not depend on how many workers there are. Ray is an optional requirement, imported when used.
"""

import logging
import os
import pickle
import socket
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import chain
from math import ceil
from pathlib import Path
from typing import Any

import pyarrow as pa

from reset.errors import ResetError

Pieces = Iterable[tuple[int, Any]]  # the number of a chunk, and what its rows are made from
Build = Callable[[], Callable[[Any], Iterable[Mapping[str, Any]]]]  # loads what is needed; then a piece becomes rows
Spread = Callable[[Pieces, Build], Iterator[tuple[int, Iterable[Mapping[str, Any]]]]]  # in any order

MODELS = frozenset({"transformers", "vllm", "summac", "minicheck"})  # engines and judges that load a model
CONNECT_S = 10.0
BLOCK = pa.schema([("number", pa.int64()), ("content", pa.large_binary())])  # a pickled piece, or what came of it


def here(pieces: Pieces, build: Build) -> Iterator[tuple[int, Iterable[Mapping[str, Any]]]]:
    """Work on one piece after another; `build` is called only if there is one."""
    work = None
    for number, piece in pieces:
        work = work or build()
        yield number, work(piece)


def spread(plug_in: str, *, workers: int, ray_address: str | None, **limits: Any) -> Spread:
    """Return how the work of `plug_in` is spread: over Ray with several workers or an address, else not.

    `limits` are `worker_cpus`, `worker_gpus` and `max_restarts`: how often a worker that died is replaced.
    """
    if plug_in not in MODELS or (workers == 1 and ray_address is None):
        return here
    return partial(_over_ray, ray_address=ray_address, room=_Room(workers, **limits))


@dataclass(frozen=True)
class _Room:
    """What Ray sets aside for the workers, and how often one is replaced."""

    workers: int
    worker_cpus: float
    worker_gpus: float
    max_restarts: int


def _over_ray(
    pieces: Pieces, build: Build, *, ray_address: str | None, room: _Room
) -> Iterator[tuple[int, Iterable[Mapping[str, Any]]]]:
    """Yield what the workers made, as it comes; pieces wait in Ray's object store, which spills to disk."""
    left = iter(pieces)
    if (first := next(left, None)) is None:
        return
    with _connected(ray_address, room) as ray:
        _check_room(ray, room)
        blocks = [ray.put(_block(number, piece)) for number, piece in chain([first], left)]
        try:
            for table in _made(ray, blocks, build, room).iter_batches(batch_size=None, batch_format="pyarrow"):
                for row in table.to_pylist():
                    yield row["number"], _rows(pickle.loads(row["content"]))
        except ray.exceptions.RayActorError as error:
            raise ResetError(
                f"Workers of the Ray cluster kept dying (cluster.max_restarts is {room.max_restarts}); finished chunks "
                f"are kept: {str(error).splitlines()[0]}"
            ) from error


def _made(ray: Any, blocks: list[Any], build: Build, room: _Room) -> Any:
    """The data set of what the workers make of `blocks`."""
    retries = {"max_restarts": room.max_restarts, "max_task_retries": room.max_restarts}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `ray_remote_args_fn`: deprecated in Ray 2.60, yet nothing else bounds both
        return ray.data.from_arrow_refs(blocks).map_batches(
            _Worker,
            fn_constructor_args=(Path.cwd(), build),
            batch_size=1,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=min(room.workers, len(blocks))),
            num_cpus=room.worker_cpus,
            num_gpus=room.worker_gpus,
            ray_remote_args_fn=lambda: retries,
        )


class _Worker:
    """An actor: it loads once, in the folder of the stage, and makes the rows of one chunk after another."""

    def __init__(self, folder: Path, build: Build) -> None:
        self._folder, self._build = folder, build
        self._work: Callable[[Any], Iterable[Mapping[str, Any]]] | None = None

    def __call__(self, block: pa.Table) -> pa.Table:
        """Return the rows of the piece in `block`, or the error that its user can mend."""
        number, piece = (block[name][0].as_py() for name in BLOCK.names)
        try:
            return _block(number, list(self._loaded()(pickle.loads(piece))))
        except ResetError as error:
            return _block(number, error)

    def _loaded(self) -> Callable[[Any], Iterable[Mapping[str, Any]]]:
        if self._work is None:
            if not self._folder.is_dir():
                raise ResetError(f"{self._folder}: no such folder on machine {os.uname().nodename} of the Ray cluster")
            os.chdir(self._folder)  # paths of models are relative to it
            self._work = self._build()
        return self._work


def _block(number: int, content: Any) -> pa.Table:
    return pa.table({"number": [number], "content": [pickle.dumps(content)]}, schema=BLOCK)


def _rows(content: Any) -> Iterable[Mapping[str, Any]]:
    if isinstance(content, ResetError):
        raise content
    return content  # type: ignore[no-any-return]


def _ray() -> tuple[Any, Any]:
    """Import Ray and Ray Data."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        return import_module("ray"), import_module("ray.data")
    except ImportError as error:
        raise ResetError(
            f"Several workers need Ray, which is not installed ({error}): make repro EXTRA=cluster, "
            "or cluster: {workers: 1, ray_address: null}"
        ) from error


def _check_address(address: str) -> None:
    """Stop where nobody listens at "host:port": Ray would try for minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_S).close()
    except (OSError, ValueError) as error:
        raise ResetError(f"No Ray cluster at cluster.ray_address '{address}' (host:port): {error}") from error


def _own(room: _Room) -> dict[str, Any]:
    """Keep a Ray that is to start here on the loopback; return what it has, room for all workers."""
    name = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"  # "0" is read as: on one machine, so on its loopback alone
    os.environ[name] = "0"  # for the processes that it starts
    constants: Any = import_module("ray._private.ray_constants")
    constants.ENABLE_RAY_CLUSTER = False  # for this one, which read the variable when Ray was imported
    cpus, gpus = (ceil(room.workers * each) for each in (room.worker_cpus, room.worker_gpus))
    return {"num_cpus": cpus, "num_gpus": gpus, "include_dashboard": False}


@contextmanager
def _connected(address: str | None, room: _Room) -> Iterator[Any]:
    """Join the cluster at `address`, or start one on this machine's loopback with room for all workers."""
    if address is not None:
        _check_address(address)
    ray, data = _ray()
    own = _own(room) if address is None else {}
    ray.init(address or "local", log_to_driver=False, logging_level=logging.ERROR, **own)
    try:
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # what goes wrong is raised
        data.DataContext.get_current().enable_progress_bars = False
        yield ray
    finally:
        ray.shutdown()


def _check_room(ray: Any, room: _Room) -> None:
    """Stop where no machine of the cluster has room for even one worker; Ray would wait for one for ever."""
    cpus, gpus = room.worker_cpus, room.worker_gpus
    known = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(one.get("CPU", 0) >= cpus and one.get("GPU", 0) >= gpus for one in known):
        largest = ", ".join(f"{one.get('CPU', 0):g} CPUs and {one.get('GPU', 0):g} GPUs" for one in known)
        raise ResetError(
            f"No machine of the Ray cluster has room for a worker of {cpus:g} CPUs and {gpus:g} GPUs "
            f"(cluster.worker_cpus, cluster.worker_gpus); they have {largest}"
        )
