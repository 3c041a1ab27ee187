"""Sampling and judging over Ray: rows are those of one process, whoever dies; on a real cluster of two nodes."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from importlib.util import find_spec

import psutil
import pytest
import yaml

from reset.errors import ResetError
from reset.files import schemas, tables
from reset.micro.words import ANIMALS, NAMES, TOWNS
from reset.runs.chunks import Chunks
from reset.runs.cluster import fitting, here, spread
from tests.support import ROOT, warm

LIMITS = {"worker_cpus": 1.0, "worker_gpus": 0.0, "max_restarts": 1}
SCHEMA = tables.pa.schema([("text", tables.pa.string())])


def test_one_worker_without_an_address_and_work_without_a_model_stay_in_this_process():
    assert spread("vllm", workers=1, ray_address=None, **LIMITS) is here
    assert spread("openai", workers=8, ray_address="10.0.0.1:6379", **LIMITS) is here
    assert spread("vllm", workers=1, ray_address="10.0.0.1:6379", **LIMITS) is not here
    for judge in ("summac", "reward", "llm"):
        assert spread(judge, workers=2, ray_address=None, **LIMITS) is not here
    assert spread("vllm", workers=None, ray_address=None, **LIMITS) is here  # without GPUs to fill


@pytest.mark.parametrize(
    ("gpus", "worker_gpus", "expected"),
    [([8], 1.0, 8), ([8], 2.0, 4), ([8, 4, 1], 4.0, 3), ([8], 0.5, 16), ([0], 1.0, 1), ([8], 0.0, 1)],
)
def test_without_a_number_as_many_workers_as_fit_on_the_gpus(
    gpus: list[float], worker_gpus: float, expected: int
) -> None:
    assert fitting(gpus, worker_gpus) == expected


def test_without_a_number_every_gpu_of_this_machine_gets_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 8)
    limits = LIMITS | {"worker_gpus": 1.0}
    over = spread("vllm", workers=None, ray_address=None, **limits)
    assert over.keywords["resources"].workers == 8
    assert spread("vllm", workers=None, ray_address=None, **limits | {"worker_gpus": 8.0}) is here


def test_a_cluster_without_ray_is_one_clear_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ResetError, match=r"^Several workers need Ray, which is not installed .*EXTRA=cluster") as error:
        list(spread("vllm", workers=2, ray_address=None, **LIMITS)([(0, None)], list))
    assert "\n" not in error.value.message


@pytest.mark.parametrize("address", ["127.0.0.1:1", "auto"])
def test_an_address_where_no_cluster_listens_is_one_clear_line(address):
    nowhere = spread("vllm", workers=1, ray_address=address, **LIMITS)
    with pytest.raises(ResetError, match=rf"^No Ray cluster at cluster.ray_address '{address}' \(host:port\)"):
        list(nowhere([(0, "a")], list))


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
    if find_spec("ray") is None:
        pytest.skip("requirements/cluster.txt")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # the loopback alone, in the processes of the nodes
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", str(ROOT))
        from ray.cluster_utils import Cluster

        patch.setattr("ray._private.ray_constants.ENABLE_RAY_CLUSTER", False)  # and in this one, if it had Ray before

        started = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        started.add_node(num_cpus=1)
        yield started
        started.shutdown()


@pytest.fixture
def stage(micro_model, minimal, example_row, tmp_path):
    """A function that starts a stage in the folder of the test, on its own or with workers at `address`."""
    rows = [
        example_row(n, task="summarization", passages=[" ".join((NAMES + TOWNS + ANIMALS)[n % 30 : n % 30 + 20])])
        for n in range(72)
    ]
    tables.write(tmp_path / "prompts.parquet", schemas.EXAMPLES, rows)
    minimal["pools"]["mtl"] |= {"decode": "both", "sweeps": 2}
    minimal["sample"] |= {"max_tokens": 60, "chunk_prompts": 8}
    minimal["judges"]["summac"] = {
        "kind": "summac",
        "needs": "models/reset",
        "model": "reset",
        "options": {"max_doc_sents": 100, "batch_tokens": 2048},
    }
    minimal["judge"] |= {"chunk_answers": 40}

    def starting(name, *arguments, address=None, workers=2):
        minimal["cluster"] |= {"workers": workers if address else 1, "ray_address": address}
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(minimal))
        command = [sys.executable, "-m", f"stages.{name}", *map(str, arguments)]
        environment = warm.environment(cold=address is not None)
        return subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)

    return starting


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


def chunks(folder):
    return list(folder.glob(".chunks/*/*/**/0*.parquet"))


@pytest.mark.slow
def test_two_nodes_make_the_rows_of_one_process_though_a_worker_dies_and_the_stage_is_killed(
    cluster, stage, micro_model, tmp_path
):
    def sample(into, **where):
        return stage("sample", "mtl", micro_model, "prompts.parquet", into, "asked.parquet", **where)

    finished(sample("alone.parquet"))
    alone = list(tables.read(tmp_path / "alone.parquet", schemas.ANSWERS))

    process = sample("spread.parquet", address=cluster.address)
    wait_for(lambda: chunks(tmp_path))
    victims = workers()
    os.kill(victims[0].pid, signal.SIGKILL)
    before = len(chunks(tmp_path))
    finished(process)
    assert len(victims) == 2 and before < 9
    assert list(tables.read(tmp_path / "spread.parquet", schemas.ANSWERS)) == alone and len(alone) == 288

    process = sample("again.parquet", address=cluster.address, workers=1)
    wait_for(lambda: chunks(tmp_path))
    process.kill()
    process.communicate()
    kept = {path: path.stat().st_mtime_ns for path in chunks(tmp_path)}
    process = sample("again.parquet")  # goes on without Ray
    wait_for(lambda: len(chunks(tmp_path)) > len(kept) or process.poll() is not None)
    assert kept.items() <= {path: path.stat().st_mtime_ns for path in chunks(tmp_path)}.items()
    finished(process)
    assert list(tables.read(tmp_path / "again.parquet", schemas.ANSWERS)) == alone


@pytest.mark.slow
def test_the_nli_judge_says_the_same_in_a_worker_of_the_cluster(cluster, stage, micro_model, tmp_path):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    labels = {0: "entailment", 1: "neutral", 2: "contradiction"}
    model = AutoModelForSequenceClassification.from_pretrained(micro_model, num_labels=3, id2label=labels)
    for part in (model, AutoTokenizer.from_pretrained(micro_model)):
        part.save_pretrained(tmp_path / "models/reset")
    finished(stage("sample", "mtl", micro_model, "prompts.parquet", "answers.parquet", "asked.parquet"))
    finished(stage("identify", "summac", "summac.json"))
    judge = partial(stage, "judge", "summac", "mtl", "summac.json", "answers.parquet", "asked.parquet")
    finished(judge("alone/mtl.parquet"))
    finished(judge("spread/mtl.parquet", address=cluster.address, workers=1))
    alone, spread_out = (tmp_path / f"{name}/mtl.parquet" for name in ("alone", "spread"))
    assert tables.count(alone, schemas.VERDICTS) == 288
    assert len({row["score"] for row in tables.read(alone, schemas.VERDICTS)}) > 10
    assert spread_out.read_bytes() == alone.read_bytes()


@pytest.fixture
def word_of():
    """What a worker loads: it makes one row of a piece, dies of "die", and cannot go on at "stop"."""

    def work(piece):
        if piece == "die":
            os._exit(1)
        if piece == "stop":
            raise ResetError("no model there")
        yield {"text": piece}

    return lambda: work


@pytest.fixture
def own_ray(monkeypatch):
    """Two workers on a Ray of this machine's own."""
    if find_spec("ray") is None:
        pytest.skip("requirements/cluster.txt")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return spread("vllm", workers=2, ray_address=None, **LIMITS)


@pytest.mark.slow
def test_a_ray_of_ones_own_listens_on_the_loopback_alone_and_ends_with_the_work(own_ray, word_of):
    before = psutil.Process().children(recursive=True)
    results = own_ray(((n, str(n)) for n in range(20)), word_of)
    first = next(results)
    started = set(psutil.Process().children(recursive=True)) - set(before)
    addresses = {c.laddr.ip for process in started for c in process.net_connections("inet") if c.status == "LISTEN"}
    assert addresses and addresses <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
    assert sorted([first, *results]) == [(n, [{"text": str(n)}]) for n in range(20)]
    assert not workers()


@pytest.mark.slow
def test_errors_of_workers_are_those_of_the_stage(own_ray, word_of):
    with pytest.raises(ResetError, match=r"^no model there$"):
        list(own_ray([(0, "stop")], word_of))
    with pytest.raises(ResetError, match=r"^Workers of the Ray cluster kept dying \(cluster.max_restarts is 1\)"):
        list(own_ray([(0, "die")], word_of))


@pytest.mark.slow
def test_a_worker_that_no_machine_has_room_for_is_an_error(cluster):
    too_large = spread("vllm", workers=1, ray_address=cluster.address, **LIMITS | {"worker_gpus": 9.0})
    with pytest.raises(ResetError, match=r"^No machine of the Ray cluster has room for a worker of 1 CPUs and 9 GPUs"):
        list(too_large([(0, "a")], list))
