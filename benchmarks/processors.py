"""Which stages write the same bytes on another processor, and which do not.

In a copy of a finished run (`--run DIR`), one stage of each kind is forced again with the same inputs, while the
libraries of numbers (PyTorch, oneDNN, MKL) are held to the instructions of an older processor or to one thread. A stage
whose outputs keep their hashes is the same there. Of the others, the share of rows that differ is told.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import pyarrow.parquet as pq

from benchmarks.result import check, publish
from reset.files import fast_yaml

STAGES = (
    "fetch@nq",
    "prepare@nq",
    "screen",
    "mix@mtl",
    "draw@test",
    "base@micro",
    "base@micro_nli",
    "describe",
    "train@mtl",
    "train@mtl_reset",
    "train@mtl_dpo",
    "sample@mtl",
    "sample@mtl_candidates",
    "judge@lexical-mtl",
    "judge@summac-mtl",
    "judge@rater-mtl",
    "select@reset",
    "evaluate@mtl",
    "watch@words",
    "report",
)
WITHOUT_TRAINING = ("fetch", "prepare", "screen", "mix", "draw", "describe", "select", "evaluate", "watch")
AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
OLDEST = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"}
PROCESSORS: dict[str, dict[str, str]] = {
    "this one": {},  # what differs here differs without a reason
    "one thread": {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
    "AVX2": AVX2,
    "SSE4": OLDEST,
}
Hashes = dict[str, str]


def outputs(folder: Path, stage: str) -> Hashes:
    """The hash of each output of a stage, from dvc.lock."""
    entry = fast_yaml.load((folder / "dvc.lock").read_text())["stages"][stage]
    return {out["path"]: out["md5"] for out in entry.get("outs", [])}


def force(folder: Path, stage: str, environment: Mapping[str, str]) -> None:
    """Run one stage again with the inputs that lie there."""
    command = [str(Path(sys.executable).with_name("dvc")), "repro", "--force", "--single-item", "--no-run-cache", stage]
    for chunks in folder.glob(".chunks/*"):
        shutil.rmtree(chunks)  # nothing is taken up from the run before
    given = {**os.environ, **environment}
    done = subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"{stage}: {done.stderr[-500:]}")


def kept(folder: Path, stage: str, store: Path) -> None:
    """Copy the tables of a stage, to compare them row by row."""
    for path in outputs(folder, stage):
        if path.endswith(".parquet"):
            (store / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / path, store / path)


def apart(before: Path, after: Path) -> dict[str, float]:
    """The share of rows that are not equal in two tables of as many rows; of answers, the share of other texts too."""
    first, second = (pq.read_table(path).to_pylist() for path in (before, after))
    pairs = list(zip(first, second, strict=True))
    shares = {"rows": sum(one != other for one, other in pairs)}
    if pairs and "text" in pairs[0][0]:
        shares["texts"] = sum(one["text"] != other["text"] for one, other in pairs)
    return {name: float(round(count / max(1, len(pairs)), 4)) for name, count in shares.items()}


def trial(folder: Path, stage: str, environment: Mapping[str, str], store: Path) -> dict[str, Any]:
    """Whether a stage writes the same bytes under an environment; of its tables, the share of rows that differ."""
    before = outputs(folder, stage)
    force(folder, stage, environment)
    after = outputs(folder, stage)
    changed = sorted(path for path in before if before[path] != after[path])
    tables = {path: apart(store / path, folder / path) for path in changed if path.endswith(".parquet")}
    return {"equal": not changed, **({"changed": changed} if changed else {}), **({"apart": tables} if tables else {})}


def trials(finished: Path, stages: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """What each stage did under each environment; every trial starts from the same finished run."""
    found: dict[str, dict[str, Any]] = {stage: {} for stage in stages}
    ignored = shutil.ignore_patterns(
        ".venv", "mlruns", "mlflow.db*", ".chunks", ".store", "exports", "cache", "*_cache", "__pycache__"
    )
    for name, environment in PROCESSORS.items():
        for stage in stages:
            with TemporaryDirectory() as scratch:
                folder, store = Path(scratch) / "run", Path(scratch) / "before"
                shutil.copytree(finished, folder, symlinks=True, ignore=ignored)
                kept(folder, stage, store)
                found[stage][name] = trial(folder, stage, environment, store)
            click.echo(f"{name}: {stage}: {'equal' if found[stage][name]['equal'] else found[stage][name]}")
    return found


@click.command()
@click.option("--run", "finished", default=".", type=click.Path(path_type=Path), help="Folder of a finished run.")
@click.option("--quick", is_flag=True, help="Four stages.")
@click.option("--without", default="", help="Stages to leave out, with commas, as the long trainings.")
def main(finished: Path, quick: bool, without: str) -> None:
    """Force one stage of each kind as on other processors, and tell which write the same bytes."""
    names = ("mix@mtl", "sample@mtl", "judge@lexical-mtl", "evaluate@mtl") if quick else STAGES
    left_out = set(filter(None, without.split(",")))
    if unknown := left_out - set(STAGES):
        raise click.BadParameter(f"no such stage: {', '.join(sorted(unknown))}", param_hint="--without")
    stages = tuple(stage for stage in names if stage not in left_out)
    found = trials(finished, stages)
    here = [stage for stage in stages if not found[stage]["this one"]["equal"]]
    elsewhere = [
        stage
        for stage in stages
        if stage.partition("@")[0] in WITHOUT_TRAINING and not all(one["equal"] for one in found[stage].values())
    ]
    checks = [
        check("stages that differ when repeated here", len(here), "<= 0"),
        check("stages without training, sampling or models that differ elsewhere", len(elsewhere), "<= 0"),
    ]
    publish("processors", checks, libraries=["torch", "numpy", "dvc"], quick=quick, stages=found)


if __name__ == "__main__":
    main()
