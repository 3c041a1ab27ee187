"""Stage `train`: fine-tune one system; several processes are started through the deepspeed launcher."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click

from reset import chunks, params, tracking
from reset.folders import whole_folder
from reset.ports import free_port

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("system")
@click.argument("init", type=PATH)
@click.argument("data", type=PATH)
@click.argument("dev", type=PATH)
@click.argument("into", type=PATH)
def main(system: str, init: Path, data: Path, dev: Path, into: Path) -> None:
    """Fine-tune SYSTEM of params.yaml: start from folder INIT, train on DATA, choose by DEV, save to INTO."""
    p = params.load()
    row = params.row(p.systems, system, "systems")
    recipe = params.row(p.recipes, row.recipe, "recipes")
    mark = chunks.fingerprint(
        recipe=recipe.model_dump(),
        max_tokens=p.train.max_tokens,
        seed=p.seed,
        inputs=[chunks.file_hash(path) for path in (init, data, dev)],
    )
    work = Path(".chunks/train") / system / mark
    if "RANK" in os.environ:  # one of several processes
        _train(data, dev, init, work, recipe, p)
        return
    metrics, history = Path(f"metrics/train/{system}.json"), Path(f"metrics/train/{system}_log.json")
    settings = {**row.model_dump(), "recipe": recipe.model_dump()}
    with tracking.run("train", system, settings, metrics=metrics, history=history, enabled=p.tracking.enabled):
        if p.train.processes > 1:
            _launch(p.train.processes)
        else:
            _train(data, dev, init, work, recipe, p)
        metrics.parent.mkdir(parents=True, exist_ok=True)
        with whole_folder(into) as folder:
            shutil.copytree(work / "model", folder, dirs_exist_ok=True)
        shutil.copy(work / "figures.json", metrics)
        shutil.copy(work / "log.json", history)
        shutil.rmtree(work)
    click.echo(f"train {system}: {metrics.read_text()}")


def _train(data: Path, dev: Path, init: Path, work: Path, recipe: params.Recipe, p: params.Params) -> None:
    from reset import (
        adapters,
        trainer,
        training,
    )  # torch, transformers, trl and deepspeed: not before the input is checked

    trainer.rendezvous()
    settings = trainer.Recipe(**recipe.model_dump(exclude={"adapter"}))
    adapter = adapters.Adapter(**recipe.adapter.model_dump()) if recipe.adapter else None
    training.train(data, dev, init, work, recipe=settings, adapter=adapter, max_tokens=p.train.max_tokens, seed=p.seed)


def launcher(processes: int) -> list[str]:
    """The command that starts so many processes on this machine; a module or script and its arguments go behind it."""
    deepspeed = [sys.executable, "-m", "deepspeed.launcher.runner", "--no_local_rank"]
    return [*deepspeed, "--num_gpus", str(processes), "--master_addr", "127.0.0.1", "--master_port", str(free_port())]


def _launch(processes: int) -> None:
    done = subprocess.run([*launcher(processes), "--module", "stages.train", *sys.argv[1:]], check=False)
    if done.returncode:
        raise SystemExit(done.returncode)


if __name__ == "__main__":
    main()
