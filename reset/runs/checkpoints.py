"""Checkpoints of a training run: which one to go on from, and their form for another number of ranks.

A checkpoint counts once `whole.json` stands in it, which is written when every rank has written its part; what a kill
left half-written is removed. DeepSpeed's shards fit only the number of ranks that wrote them, so for another number
they are converted to its universal form (`deepspeed.checkpoint.ds_to_universal`, ZeRO stages 1 to 3).
"""

import contextlib
import os
import shutil
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

import torch
from accelerate import PartialState
from deepspeed.checkpoint import ds_to_universal
from transformers import Trainer

from reset.files import tables

MARK = "whole.json"
UNIVERSAL = "latest_universal"  # DeepSpeed's name of the file that names the converted folder


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


def mend(optimizer: torch.optim.Optimizer, weight_decays: Sequence[float]) -> None:
    """Put right what DeepSpeed 0.19 gets wrong in loading ZeRO-3's universal form into the optimiser of its own.

    `load_hp_checkpoint_state_from_checkpoint_dir_stage3` gives all groups the options of the first, so that weights of
    no decay decay, and the states of all one and the same step counter, which then counts once for each of them.
    """
    for group, weight_decay in zip(optimizer.param_groups, weight_decays, strict=True):
        group["weight_decay"] = weight_decay
    for state in optimizer.state.values():
        state["step"] = state["step"].clone()


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
