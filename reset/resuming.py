"""Checkpoints of a training run: which one to go on from, and their form for another number of ranks.

A checkpoint counts once `whole.json` stands in it, which is written when every rank has written its part; what a kill
left half-written is removed. DeepSpeed's shards fit only the number of ranks that wrote them, so for another number
they are converted to its universal form (`deepspeed.checkpoint.ds_to_universal`, ZeRO stages 1 to 3).
"""

import contextlib
import os
import shutil
from argparse import Namespace
from pathlib import Path
from typing import Any

from accelerate import PartialState
from deepspeed.checkpoint import ds_to_universal
from transformers import Trainer, TrainerCallback

from reset import tables

MARK = "whole.json"
UNIVERSAL = "latest_universal"  # DeepSpeed's name of the file that names the converted folder


class Finished(TrainerCallback):
    """Marks a checkpoint once all ranks have written it."""

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Wait for the other ranks; the first one marks."""
        PartialState().wait_for_everyone()
        if state.is_world_process_zero:
            finish(Path(args.output_dir) / f"checkpoint-{state.global_step}", args.world_size)


def finish(checkpoint: Path, ranks: int) -> None:
    """Say that `checkpoint` is complete, written by so many ranks."""
    tables.write_json(checkpoint / MARK, {"ranks": ranks})


def last(trainer: Trainer, work: Path) -> str | None:
    """The finished checkpoint of `work` to go on from, in a form that this number of ranks can load.

    All ranks call this, before `trainer` has made its DeepSpeed engine.
    """
    if trainer.is_world_process_zero():
        discard_unfinished(work)
        for checkpoint in finished(work):
            convert(checkpoint, trainer.args.world_size)
    PartialState().wait_for_everyone()
    found = finished(work)
    if not found:
        return None
    plugin = trainer.accelerator.state.deepspeed_plugin
    plugin.deepspeed_config["checkpoint"] = {"load_universal": is_universal(found[-1])}
    return str(found[-1])


def discard_unfinished(work: Path) -> None:
    """Remove the checkpoints of `work` that were not finished."""
    for folder in work.glob("checkpoint-*"):
        if not (folder / MARK).is_file():
            shutil.rmtree(folder)


def finished(work: Path) -> list[Path]:
    """The finished checkpoints of `work`, the latest last."""
    found = [path.parent for path in work.glob(f"checkpoint-*/{MARK}")]
    return sorted(found, key=lambda path: int(path.name.rpartition("-")[2]))


def is_universal(checkpoint: Path) -> bool:
    """Whether any number of ranks can load it."""
    return (checkpoint / UNIVERSAL).is_file()


def convert(checkpoint: Path, ranks: int) -> None:
    """Bring `checkpoint` into the universal form, where it was written by another number of ranks and holds shards."""
    tag = (checkpoint / "latest").read_text().strip()
    sharded = any((checkpoint / tag).glob("*zero_pp_rank_*_optim_states.pt"))
    if tables.read_json(checkpoint / MARK)["ranks"] == ranks or not sharded or is_universal(checkpoint):
        return
    into = checkpoint / f"{tag}_universal"
    shutil.rmtree(into, ignore_errors=True)
    options = {"num_extract_workers": 1, "num_merge_workers": 1, "keep_temp_folder": False, "strict": True}
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        ds_to_universal.main(
            Namespace(input_folder=str(checkpoint / tag), output_folder=str(into), inject_missing_state=True, **options)
        )
    (checkpoint / UNIVERSAL).write_text(into.name)
