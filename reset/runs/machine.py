"""The machine in words: processor, cores, memory, accelerators; no name and no address."""

import os
import platform
from pathlib import Path

import psutil

GPUS = Path("/proc/driver/nvidia/gpus")  # one folder each, written by the driver


def described() -> str:
    """Return the machine in words, such as `AMD EPYC, 2 cores, 16 GB`."""
    memory = round(psutil.virtual_memory().total / 2**30)
    gpus = _gpus()
    named = [f"{len(gpus)} x {gpus[0]}"] if gpus else []
    return ", ".join([_processor(), f"{os.cpu_count()} cores", f"{memory} GB", *named])


def _processor() -> str:
    return _named(Path("/proc/cpuinfo"), "model name") or platform.processor() or platform.machine()


def _gpus() -> list[str]:
    return [_named(path, "Model") or "GPU" for path in sorted(GPUS.glob("*/information"))]


def _named(path: Path, key: str) -> str:
    """The value of the first line of `key: value`; "" if there is none."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == key), "")
