"""The model with the lowest dev loss of a run, kept as weights alone.

Its weights stay in the host memory of rank 0, in the dtype of training: two bytes a parameter in bfloat16. They are
written with a checkpoint, into the checkpoint's own folder, so a resumed run finds the best model of just the steps
that it does not repeat. Between checkpoints nothing is written, however often the dev loss falls.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from math import inf
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState

FOLDER = "best"  # in a checkpoint

Weights = Mapping[str, Any]


class Best(TrainerCallback):
    """Holds the best model so far; `take` returns the weights of the current one, `write` saves weights in a folder.

    All ranks call `take`, because ZeRO-3 gathers the weights from all of them; those but the first get None.
    `resumed` is the checkpoint that training resumes from.
    """

    def __init__(
        self, take: Callable[[], Weights | None], write: Callable[[Weights | None, Path], None], resumed: str | None
    ) -> None:
        self._take, self._write = take, write
        self._weights: Weights | None = None
        self._folder = Path(resumed) / FOLDER if resumed else None  # where the best weights are written
        self._found = self._folder is not None and self._folder.is_dir()

    def on_evaluate(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Take the current weights if no dev loss before was as low."""
        *before, last = [entry["eval_loss"] for entry in state.log_history if "eval_loss" in entry]
        if last < min(before, default=inf):
            self._weights, self._folder, self._found = self._take(), None, True

    def on_save(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Write the best weights into the new checkpoint, and hold them in memory no longer."""
        if self._found:
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}" / FOLDER
            if state.is_world_process_zero:
                self._put(folder, os.link)  # of files that are never changed
            self._weights, self._folder = None, folder

    def save(self, into: Path, rank: int) -> None:
        """Save the best model, or the current one if no dev loss was read; all ranks call this."""
        if not self._found:
            self._write(self._take(), into)
        elif rank == 0:
            self._put(into, shutil.copy2)

    def _put(self, into: Path, copy: Callable[[Any, Any], Any]) -> None:
        if self._folder is None:
            self._write(self._weights, into)
        else:
            shutil.copytree(self._folder, into, copy_function=copy, dirs_exist_ok=True)
