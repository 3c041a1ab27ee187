"""Sampling and judging over Ray: rows are those of one process, whoever dies; on a real cluster of two nodes."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pytest
import yaml

from reset import tables
from reset.chunks import Chunks
from reset.cluster import here, spread
from reset.errors import ResetError
from reset.micro.words import ANIMALS, NAMES, TOWNS

ROOT = Path(__file__).parents[1]
LIMITS = {"worker_cpus": 1.0, "worker_gpus": 0.0, "max_restarts": 1}
SCHEMA = tables.pa.schema([("text", tables.pa.string())])


def test_one_worker_without_an_address_and_work_without_a_model_stay_in_this_process():
    assert spread("vllm", workers=1, ray_address=None, **LIMITS) is here
    assert spread("openai", workers=8, ray_address="10.0.0.1:6379", **LIMITS) is here
    assert spread("vllm", workers=1, ray_address="10.0.0.1:6379", **LIMITS) is not here
    assert spread("summac", workers=2, ray_address=None, **LIMITS) is not here


def test_a_cluster_without_ray_is_one_clear_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ResetError, match=r"^Several workers need Ray, which is not installed .*EXTRA=cluster") as error:
        list(spread("vllm", workers=2, ray_address=None, **LIMITS)([(0, None)], list))
    assert "\n" not in error.value.message


def test_no_ray_is_needed_where_every_chunk_is_there(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    store = Chunks(tmp_path, "mark")
    for number in range(3):
        store.write(number, SCHEMA, [])
    over = spread("vllm", workers=2, ray_address=None, **LIMITS)
    assert list(store.fill(SCHEMA, ((n, n) for n in range(3)), list, over)) == [(n, True) for n in range(3)]


@pytest.fixture(scope="module")
def cluster():
    """Two nodes with room for one worker each."""
    pytest.importorskip("ray", reason="requirements/cluster.txt")
    os.environ |= {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(ROOT)}
    from ray.cluster_utils import Cluster

    started = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    started.add_node(num_cpus=1)
    yield started
    started.shutdown()


@pytest.fixture
def stage(micro_model, minimal, example_row, tmp_path):
    """A function that starts a stage in the folder of the test, on its own workers or on `address`."""
    rows = [example_row(n, passages=[" ".join((NAMES + TOWNS + ANIMALS)[n % 30 : n % 30 + 20])]) for n in range(400)]
    tables.write(tmp_path / "prompts.parquet", tables.EXAMPLES, rows)
    minimal["pools"]["mtl"] |= {"decode": "both", "sweeps": 2}
    minimal["sample"] |= {"max_tokens": 60, "chunk_prompts": 8}

    def starting(name, *arguments, address=None):
        minimal["cluster"] |= {"workers": 2 if address else 1, "ray_address": address}
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(minimal))
        command = [sys.executable, "-m", f"stages.{name}", *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)

    return partial(starting, "sample", "mtl", micro_model, "prompts.parquet")


def finished(process):
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said[-3000:]


def workers():
    """The processes of actors that hold an engine."""
    started = psutil.Process().children(recursive=True)
    return [process for process in started if "MapWorker" in " ".join(process.cmdline())]


def wait_for(condition):
    until = time.monotonic() + 120
    while not (found := condition()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return found


@pytest.mark.slow
def test_two_nodes_make_the_rows_of_one_process_and_replace_a_worker_that_dies(cluster, stage, tmp_path):
    finished(stage("alone.parquet"))
    process = stage("spread.parquet", address=cluster.address)
    chunks = lambda: list(tmp_path.glob(".chunks/sample/mtl/*/0*.parquet"))  # noqa: E731
    wait_for(chunks)
    victims = workers()
    os.kill(victims[0].pid, signal.SIGKILL)
    before = len(chunks())
    finished(process)
    alone, spread_out = (list(tables.read(tmp_path / f"{name}.parquet", tables.ANSWERS)) for name in ("alone", "spread"))
    assert len(victims) == 2 and before < 50
    assert spread_out == alone and len(alone) == 1600
