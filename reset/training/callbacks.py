"""Trainer callbacks: last-step logging, checkpoints to resume from, intermediate models."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from accelerate import PartialState
from accelerate.utils import broadcast_object_list
from transformers import TrainerCallback, TrainerControl, TrainerState

from reset import checkpoint_names
from reset.runs import checkpoints


class LastStep(TrainerCallback):
    """Logs the last step too, even if it is no multiple of `logging_steps`."""

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Request a log entry at the last step."""
        control.should_log |= state.global_step >= state.max_steps


class Save(TrainerCallback):
    """Requests a checkpoint to resume from after `minutes` minutes, at the next step that is logged.

    A logged step, because the losses since the last one are in no checkpoint. The clock is that of rank 0. The last
    step needs no checkpoint: the model is saved.
    """

    def __init__(self, minutes: float) -> None:
        self._seconds, self._last = minutes * 60, time.monotonic()

    def on_train_begin(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Start the clock."""
        self._last = time.monotonic()

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Request a checkpoint if it is time."""
        if control.should_log and state.global_step < state.max_steps:
            (due,) = broadcast_object_list([time.monotonic() - self._last >= self._seconds])
            control.should_save |= due

    def on_save(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Start the clock again."""
        self._last = time.monotonic()


class Finished(TrainerCallback):
    """Marks a checkpoint as complete once all ranks have written it, and deletes the one before."""

    def on_save(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Wait for all ranks, then mark the checkpoint on rank 0."""
        PartialState().wait_for_everyone()
        if state.is_world_process_zero:
            checkpoints.finish(Path(args.output_dir) / f"checkpoint-{state.global_step}", args.world_size)


class Keep(TrainerCallback):
    """Saves intermediate models: calls `save` with a folder below `into` after the step of each share.

    All ranks call it, because ZeRO-3 gathers the weights from all of them.
    """

    def __init__(self, save: Callable[[Path], None], shares: Sequence[float], into: Path) -> None:
        self._save = save
        self._shares = shares
        self._into = into

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Save the model if a share ends here; a resumed run may repeat the step and save it again."""
        for share in self._shares:
            if state.global_step == checkpoint_names.step(share, state.max_steps):
                self._save(self._into / checkpoint_names.folder(share))
