"""Checkpoints of a training run: keep one to resume from, and convert it for another number of ranks.

A checkpoint is complete when it holds `whole.json`, which is written after every rank has written its part and all of
it is on the disk, and when its files have the sizes that stand there; other ones are deleted. Before a run goes on from
one, its files' CRC-32 is compared, too, which a changed bit changes. (zlib's takes a second for a gigabyte and thread,
a third of SHA-256's time.) DeepSpeed's shards fit only the number of ranks that wrote them. For another number they are
converted to its universal format (`deepspeed.checkpoint.ds_to_universal`, ZeRO stages 1 to 3).
"""

import contextlib
import logging
import os
import shutil
import zlib
from argparse import Namespace
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from accelerate import PartialState
from deepspeed.checkpoint import ds_to_universal
from transformers import Trainer

from reset.errors import ResetError
from reset.files import atomic, tables

log = logging.getLogger(__name__)

MARK = "whole.json"
BLOCK = 1 << 24  # bytes read at a time
THREADS = 8  # files read at a time, as far as there are processors
UNIVERSAL = "latest_universal"  # DeepSpeed's file with the name of the converted folder


def finish(checkpoint: Path, ranks: int) -> None:
    """Mark `checkpoint` as complete, written by `ranks` ranks; delete the ones before it."""
    parts = [path for path in checkpoint.rglob("*") if path.is_file()]
    for path in (*parts, *checkpoint.rglob("*/"), checkpoint):
        atomic.sync(path)
    names = [str(path.relative_to(checkpoint)) for path in parts]
    sizes = {name: path.stat().st_size for name, path in zip(names, parts, strict=True)}
    sums = dict(zip(names, _sums(parts), strict=True))
    tables.write_json(checkpoint / MARK, {"ranks": ranks, "bytes": sizes, "crc32": sums})
    for former in finished(checkpoint.parent)[:-1]:
        shutil.rmtree(former)


def last(trainer: Trainer, work: Path) -> str | None:
    """Return the latest complete checkpoint in `work`, converted for this number of ranks if needed; None without one.

    All ranks must call this, before `trainer` has made its DeepSpeed engine.
    """
    if trainer.is_world_process_zero():
        discard_unfinished(work)
        for checkpoint in finished(work):
            convert(checkpoint, trainer.args.world_size)
    PartialState().wait_for_everyone()
    complete = finished(work)
    if not complete:
        return None
    plugin = trainer.accelerator.state.deepspeed_plugin
    plugin.deepspeed_config["checkpoint"] = {"load_universal": is_universal(complete[-1])}
    return str(complete[-1])


def mend(optimizer: torch.optim.Optimizer, weight_decays: Sequence[float]) -> None:
    """Repair the optimiser after DeepSpeed 0.19 has loaded a universal ZeRO-3 checkpoint into it.

    `load_hp_checkpoint_state_from_checkpoint_dir_stage3` has two errors. It gives all parameter groups the options of
    the first group, so that parameters without weight decay get one. And all parameters share one step counter, which
    then advances once per parameter.
    """
    for group, weight_decay in zip(optimizer.param_groups, weight_decays, strict=True):
        group["weight_decay"] = weight_decay
    for state in optimizer.state.values():
        state["step"] = state["step"].clone()


def discard_unfinished(work: Path) -> None:
    """Delete the incomplete and the damaged checkpoints in `work`; say which file is damaged."""
    for folder in work.glob("checkpoint-*"):
        damaged = _damaged(folder) if _whole(folder) else MARK
        if damaged:
            if (folder / MARK).is_file():
                log.warning("%s: damaged, not gone on from (%s is not as it was written)", folder, damaged)
            shutil.rmtree(folder)


def _damaged(checkpoint: Path) -> str | None:
    """Return the first file whose content is not what was written; None if all are."""
    sums = tables.read_json(checkpoint / MARK).get("crc32", {})
    found = _sums([checkpoint / name for name in sums])
    return next((name for name, one in zip(sums, found, strict=True) if one != sums[name]), None)


def _sums(paths: Sequence[Path]) -> list[int]:
    """Return the CRC-32 of each file, of several at a time."""
    with ThreadPoolExecutor(min(THREADS, os.cpu_count() or 1)) as threads:
        return list(threads.map(_sum, paths))


def _sum(path: Path) -> int:
    total = 0
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            total = zlib.crc32(block, total)
    return total


def _whole(checkpoint: Path) -> bool:
    """Whether all files that were written are there, in their full length."""
    if not (checkpoint / MARK).is_file():
        return False
    try:
        sizes = tables.read_json(checkpoint / MARK)["bytes"]
        return all((checkpoint / name).stat().st_size == size for name, size in sizes.items())
    except (ResetError, KeyError, OSError):
        return False


def finished(work: Path) -> list[Path]:
    """The complete checkpoints in `work`, by step."""
    folders = [folder for folder in work.glob("checkpoint-*") if _whole(folder)]
    return sorted(folders, key=lambda path: int(path.name.rpartition("-")[2]))


def is_universal(checkpoint: Path) -> bool:
    """Whether any number of ranks can load `checkpoint`."""
    return (checkpoint / UNIVERSAL).is_file()


def convert(checkpoint: Path, ranks: int) -> None:
    """Convert `checkpoint` to the universal format if it holds shards written by another number of ranks."""
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
