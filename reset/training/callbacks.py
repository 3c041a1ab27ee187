"""Trainer callbacks: last-step logging, checkpoint completion marks, intermediate models."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from accelerate import PartialState
from transformers import TrainerCallback, TrainerControl, TrainerState

from reset import checkpoint_names
from reset.runs import checkpoints


class LastStep(TrainerCallback):
    """Logs the last step too, even if it is no multiple of `logging_steps`."""

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Request a log entry at the last step."""
        control.should_log |= state.global_step >= state.max_steps


class Finished(TrainerCallback):
    """Marks a checkpoint as complete once all ranks have written it."""

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
