"""Trains in processes of their own, as the stage does, on few rows; may kill itself at a step (run as a script)."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reset.files import schemas, tables
from reset.micro.model import language_model, word_tokenizer
from reset.runs import divergence
from reset.runs.launcher import launcher
from reset.training import loop, train
from reset.training.recipe import Recipe
from tests.support import ROOT, warm

RECIPE = Recipe(
    learning_rate=1e-3,
    epochs=1.0,
    batch_size=4,
    micro_batch_size=2,
    weight_decay=0.05,
    beta2=0.95,
    warmup_ratio=0.1,
    loss="sequence",
    eval_steps=2,
    zero_stage=0,
    dtype="float32",
    gradient_checkpointing=False,
)
LIMITS = divergence.Limits(rise=2.0, window=20)
WORDS = ["mira", "tom", "anna", "karl", "red", "boat", "home", "is", "the"]


def row(number: int, prompt: str, response: str) -> dict[str, object]:
    """A row of the mixtures table."""
    return {
        "example_id": f"micro/train/{number}",
        "repeat": 0,
        "dataset": "micro",
        "task": "instruction",
        "prompt": prompt,
        "context_start": 0,
        "context_end": 0,
        "response": response,
    }


def rows(count: int) -> list[dict[str, object]]:
    """Rows whose prompts and responses differ in length."""
    return [
        row(i, f"what is the home of {' '.join(WORDS[: 1 + i % 9])}?", f"the home is {' '.join(WORDS[i % 7 :])}.")
        for i in range(count)
    ]


def tiny(folder: Path) -> Path:
    """Save an untrained model of two layers in `folder`."""
    tokenizer = word_tokenizer(64)
    language_model(tokenizer, layers=2, width=32, heads=2, max_tokens=64, seed=0).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def run_alone(
    folder: Path,
    init: Path,
    recipe: Recipe,
    *,
    processes: int = 1,
    hostfile: str | None = None,
    count: int = 16,
    kill: str = "",
    template: str = "micro",
    dev: Sequence[dict[str, object]] = (),
    cold: bool = False,
) -> tuple[int, list[dict[str, float]], str]:
    """Train in `folder`; `kill` names a step, or a step and `save`. Returns exit status, log and what was said.

    `dev` are the dev rows, else the first training rows, whose loss falls to the end. A `cold` process loads the
    libraries itself.
    """
    tables.write(folder / "train.parquet", schemas.MIXTURES, rows(count))
    tables.write(folder / "dev.parquet", schemas.MIXTURES, dev or rows(4))
    options = [str(folder), str(init), json.dumps(asdict(recipe)), template, *([kill] if kill else [])]
    done = subprocess.run(
        warm.command(
            "tests.support.train_alone", *options, ranks=launcher(processes, hostfile) if processes > 1 else ()
        ),
        cwd=ROOT,
        env=warm.environment(cold=cold),
        capture_output=True,
        text=True,
        check=False,
    )
    log = folder / "work/log.json"
    return done.returncode, json.loads(log.read_text()) if log.is_file() else [], done.stdout + done.stderr


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _kill_at(step: int, saving: bool) -> None:
    """Have this process killed in step `step`, or with the checkpoint of that step half-written."""
    if saving:
        save = loop.Watched._save_rng_state

        def saving_rng(self: Any, output_dir: str) -> None:
            save(self, output_dir) if self.state.global_step < step else _die()

        loop.Watched._save_rng_state = saving_rng
        return
    see = divergence.Watch.loss

    def loss(self: divergence.Watch, at: int, value: float) -> None:
        see(self, at, value) if at < step else _die()

    divergence.Watch.loss = loss


def main() -> None:
    """Train as the command line says."""
    folder, init, recipe, template, *kills = sys.argv[1:]
    for kill in kills:
        _kill_at(int(kill.split()[0]), kill.endswith("save"))
    loop.rendezvous()
    train.train(
        Path(folder) / "train.parquet",
        Path(folder) / "dev.parquet",
        Path(init),
        Path(folder) / "work",
        recipe=Recipe(**json.loads(recipe)),
        keep=[0.5, 1.0],
        max_tokens=64,
        max_cut=0.0,
        template=template,
        limits=LIMITS,
        seed=0,
        save_minutes=0.0,
    )
    loop.leave()


if __name__ == "__main__":
    main()
