"""Stage `train`: fine-tune one system; the deepspeed launcher starts several processes if configured."""

import os
import shutil
import subprocess  # nosec B404: arguments and no shell
import sys
from pathlib import Path

import click

from reset import params, registry, tracking
from reset.errors import ResetError
from reset.files import code, hashing, tables
from reset.files.atomic import whole_folder
from reset.params.document import Params
from reset.params.training import System
from reset.runs.launcher import launcher

PATH = click.Path(path_type=Path)


@click.command()
@click.argument("system")
@click.argument("init", type=PATH)
@click.argument("data", type=PATH)
@click.argument("dev", type=PATH)
@click.argument("into", type=PATH)
def main(system: str, init: Path, data: Path, dev: Path, into: Path) -> None:
    """Fine-tune SYSTEM (params.yaml: systems) from INIT on DATA; save the model that is best on DEV to INTO."""
    p = params.load()
    row = params.row(p.systems, system, "systems")
    recipe = params.row(p.recipes, row.recipe, "recipes")
    mark = code.mark(
        "stages.train",
        registry.module(registry.METHODS, recipe.method, "method"),
        recipe=recipe.model_dump(),
        keep=row.keep,
        max_tokens=p.train.max_tokens,
        template=p.template,
        template_options=p.template_options.model_dump(),
        seed=p.seed,
        inputs=[hashing.file_hash(path) for path in (init, data, dev)],
    )
    work = Path(".chunks/train") / system / mark
    if "RANK" in os.environ:  # one of several processes
        _train_rank(data, dev, init, work, row, p)
        return
    metrics, history = Path(f"metrics/train/{system}.json"), Path(f"metrics/train/{system}_log.json")
    settings = {**row.model_dump(), "recipe": recipe.model_dump()}
    with tracking.run("train", system, settings, metrics=metrics, history=history, enabled=p.tracking.enabled):
        if p.train.processes > 1 or p.train.hostfile:
            _launch(launcher(p.train.processes, p.train.hostfile))
        else:
            _train(data, dev, init, work, row, p)
        with whole_folder(into) as folder:
            shutil.copytree(work / "model", folder, dirs_exist_ok=True)
        tables.write_json(metrics, {"scale": p.scale, **tables.read_json(work / "figures.json")})
        shutil.copy(work / "log.json", history)
        shutil.rmtree(work)
    click.echo(f"train {system}: {metrics.read_text()}")


def _train(data: Path, dev: Path, init: Path, work: Path, row: System, p: Params) -> None:
    # torch, transformers, trl and deepspeed are slow to import: check the input first
    from reset.model import adapters, chat_frame
    from reset.planning import model_size
    from reset.runs import disk_space
    from reset.runs.divergence import Limits
    from reset.training import loop, train
    from reset.training.recipe import Recipe

    loop.rendezvous()
    row_recipe = p.recipes[row.recipe]
    recipe = Recipe(**row_recipe.model_dump(exclude={"adapter"}))
    adapter = adapters.Adapter(**row_recipe.adapter.model_dump()) if row_recipe.adapter else None
    if os.environ["RANK"] == "0":
        disk_space.require(model_size.written(init, recipe.dtype, adapter, models=1 + len(row.keep)), work)
    train.train(
        data,
        dev,
        init,
        work,
        recipe=recipe,
        adapter=adapter,
        keep=row.keep,
        max_tokens=p.train.max_tokens,
        max_cut=p.train.max_cut,
        template=p.template,
        options=chat_frame.Options(**p.template_options.model_dump()),
        limits=Limits(p.train.max_loss_rise, p.train.loss_window),
        seed=p.seed,
        save_minutes=p.train.save_minutes,
    )


def _train_rank(data: Path, dev: Path, init: Path, work: Path, row: System, p: Params) -> None:
    try:
        _train(data, dev, init, work, row, p)
    except ResetError:
        if os.environ.get("LOCAL_RANK") in (None, "0"):  # all ranks fail alike; one per machine reports it
            raise
        raise SystemExit(1) from None
    from reset.training import loop

    loop.leave()


def _launch(command: list[str]) -> None:
    finished = subprocess.run([*command, "--module", "stages.train", *sys.argv[1:]], check=False)  # nosec B603: arguments and no shell
    if finished.returncode:
        raise SystemExit(finished.returncode)


if __name__ == "__main__":
    main()
