"""Compute the chunks of a long stage in this process, or on the workers of a Ray cluster.

A worker is an actor of Ray Data's `map_batches` that holds one engine or judge. The unit of work is a chunk either way,
so the rows do not depend on the number of workers. Ray is an optional dependency, imported when used.
"""

import logging
import os
import pickle  # nosec B403: for this run's own processes
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

Pieces = Iterable[tuple[int, Any]]  # number and input of each chunk; "piece" is the input of a chunk
Build = Callable[[], Callable[[Any], Iterable[Mapping[str, Any]]]]  # loads an engine or judge: piece -> rows of a chunk
Spread = Callable[[Pieces, Build], Iterator[tuple[int, Iterable[Mapping[str, Any]]]]]  # yields chunks in any order

LOAD_MODEL = frozenset(
    {"transformers", "vllm", "summac", "minicheck", "claims", "reward", "llm"}
)  # engines and judges that load a model
CONNECT_S = 10.0
BLOCK = pa.schema([("number", pa.int64()), ("content", pa.large_binary())])  # a pickled piece, or pickled rows or error


def here(pieces: Pieces, build: Build) -> Iterator[tuple[int, Iterable[Mapping[str, Any]]]]:
    """Compute one chunk after another in this process; `build` is called only if there is a piece."""
    work = None
    for number, piece in pieces:
        work = work or build()
        yield number, work(piece)


def spread(plug_in: str, *, workers: int | None, ray_address: str | None, **limits: Any) -> Spread:
    """Return where the chunks of `plug_in` are computed: on Ray if there are several workers or an address, else here.

    `workers` None: as many as fit on the GPUs (`fitting`). `limits` are `worker_cpus`, `worker_gpus` and
    `max_restarts`: how often a dead worker is replaced.
    """
    if plug_in not in LOAD_MODEL:
        return here
    if ray_address is None:
        workers = workers or fitting([import_module("torch").cuda.device_count()], limits["worker_gpus"])
        if workers == 1:
            return here
    return partial(_over_ray, ray_address=ray_address, resources=_Resources(workers, **limits))


def fitting(gpus: Iterable[float], worker_gpus: float) -> int:
    """Return how many workers of `worker_gpus` GPUs fit on machines of `gpus` GPUs each: one at least."""
    return max(1, sum(int(own // worker_gpus) for own in gpus)) if worker_gpus else 1


@dataclass(frozen=True)
class _Resources:
    """What Ray reserves for the workers, and how often a dead one is replaced."""

    workers: int | None  # None: as many as fit on the GPUs of the cluster
    worker_cpus: float
    worker_gpus: float
    max_restarts: int


def _over_ray(
    pieces: Pieces, build: Build, *, ray_address: str | None, resources: _Resources
) -> Iterator[tuple[int, Iterable[Mapping[str, Any]]]]:
    """Yield chunks as workers finish them; pieces wait in Ray's object store, which spills to disk."""
    remaining = iter(pieces)
    if (first := next(remaining, None)) is None:
        return
    with _connected(ray_address, resources) as ray:
        machines = _check_resources(ray, resources)
        count = resources.workers or fitting((own.get("GPU", 0) for own in machines), resources.worker_gpus)
        blocks = [ray.put(_as_block(number, piece)) for number, piece in chain([first], remaining)]
        try:
            results = _map_on_workers(ray, blocks, build, min(count, len(blocks)), resources)
            for table in results.iter_batches(batch_size=None, batch_format="pyarrow"):
                for row in table.to_pylist():
                    yield row["number"], _rows_or_raise(pickle.loads(row["content"]))  # nosec B301: made by this run's own processes
        except ray.exceptions.RayActorError as error:
            raise ResetError(
                f"Workers of the Ray cluster kept dying (cluster.max_restarts is {resources.max_restarts}); finished "
                f"chunks are kept: {str(error).splitlines()[0]}"
            ) from error


def _map_on_workers(ray: Any, blocks: list[Any], build: Build, count: int, resources: _Resources) -> Any:
    """Return a lazy Ray data set of the workers' results for `blocks`."""
    retries = {"max_restarts": resources.max_restarts, "max_task_retries": resources.max_restarts}
    with warnings.catch_warnings():
        # `ray_remote_args_fn` is deprecated in Ray 2.60, but nothing else limits both restarts and retries
        warnings.simplefilter("ignore")
        return ray.data.from_arrow_refs(blocks).map_batches(
            _Worker,
            fn_constructor_args=(Path.cwd(), build),
            batch_size=1,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=count),
            num_cpus=resources.worker_cpus,
            num_gpus=resources.worker_gpus,
            ray_remote_args_fn=lambda: retries,
        )


class _Worker:
    """A Ray actor: loads its engine or judge once, in the folder of the stage, then computes chunk after chunk."""

    def __init__(self, folder: Path, build: Build) -> None:
        self._folder, self._build = folder, build
        self._work: Callable[[Any], Iterable[Mapping[str, Any]]] | None = None

    def __call__(self, block: pa.Table) -> pa.Table:
        """Return the rows of one chunk, or the `ResetError` it raised."""
        number, piece = (block[name][0].as_py() for name in BLOCK.names)
        try:
            return _as_block(number, list(self._load_once()(pickle.loads(piece))))  # nosec B301: made by this run's own processes
        except ResetError as error:
            return _as_block(number, error)

    def _load_once(self) -> Callable[[Any], Iterable[Mapping[str, Any]]]:
        if self._work is None:
            if not self._folder.is_dir():
                raise ResetError(f"{self._folder}: no such folder on machine {os.uname().nodename} of the Ray cluster")
            os.chdir(self._folder)  # model paths are relative to it
            self._work = self._build()
        return self._work


def _as_block(number: int, content: Any) -> pa.Table:
    return pa.table({"number": [number], "content": [pickle.dumps(content)]}, schema=BLOCK)


def _rows_or_raise(content: Any) -> Iterable[Mapping[str, Any]]:
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
    """Raise `ResetError` if nothing listens at "host:port"; Ray would retry for minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_S).close()
    except (OSError, ValueError) as error:
        raise ResetError(f"No Ray cluster at cluster.ray_address '{address}' (host:port): {error}") from error


def _prepare_local_ray(resources: _Resources) -> dict[str, Any]:
    """Bind a Ray started on this machine to the loopback interface; return its options, with CPUs for all workers."""
    name = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"  # "0" means a single machine, which then uses only the loopback
    os.environ[name] = "0"  # for the processes that Ray starts
    constants: Any = import_module("ray._private.ray_constants")
    constants.ENABLE_RAY_CLUSTER = False  # for this process, which read the variable when it imported Ray
    cpus, gpus = (ceil((resources.workers or 1) * each) for each in (resources.worker_cpus, resources.worker_gpus))
    return {"num_cpus": cpus, "num_gpus": gpus, "include_dashboard": False}


@contextmanager
def _connected(address: str | None, resources: _Resources) -> Iterator[Any]:
    """Join the cluster at `address`, or start a local one on the loopback interface; yield the `ray` module."""
    if address is not None:
        _check_address(address)
    ray, data = _ray()
    local_options = _prepare_local_ray(resources) if address is None else {}
    ray.init(address or "local", log_to_driver=False, logging_level=logging.ERROR, **local_options)
    try:
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # errors are raised, no need to log them too
        data.DataContext.get_current().enable_progress_bars = False
        yield ray
    finally:
        ray.shutdown()


def _check_resources(ray: Any, resources: _Resources) -> list[dict[str, float]]:
    """Return what the machines of the cluster have; if none can hold even one worker, raise `ResetError`.

    Ray would wait for ever.
    """
    cpus, gpus = resources.worker_cpus, resources.worker_gpus
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(machine.get("CPU", 0) >= cpus and machine.get("GPU", 0) >= gpus for machine in machines):
        sizes = ", ".join(f"{machine.get('CPU', 0):g} CPUs and {machine.get('GPU', 0):g} GPUs" for machine in machines)
        raise ResetError(
            f"No machine of the Ray cluster has room for a worker of {cpus:g} CPUs and {gpus:g} GPUs "
            f"(cluster.worker_cpus, cluster.worker_gpus); the machines have {sizes}"
        )
    return machines
