"""What a training run does at its steps besides: logs the last one, marks whole checkpoints, keeps models."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from accelerate import PartialState
from transformers import TrainerCallback, TrainerControl, TrainerState

from reset import checkpoint_names
from reset.runs import checkpoints


class LastStep(TrainerCallback):
    """Logs the last step too, whatever its number."""

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Ask for a log entry."""
        control.should_log |= state.global_step >= state.max_steps


class Finished(TrainerCallback):
    """Marks a checkpoint once all ranks have written it."""

    def on_save(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Wait for the other ranks; the first one marks."""
        PartialState().wait_for_everyone()
        if state.is_world_process_zero:
            checkpoints.finish(Path(args.output_dir) / f"checkpoint-{state.global_step}", args.world_size)


class Keep(TrainerCallback):
    """Calls `save` with a folder below `into` behind the step of each share; every rank does, as ZeRO-3 gathers."""

    def __init__(self, save: Callable[[Path], None], shares: Sequence[float], into: Path) -> None:
        self._save = save
        self._shares = shares
        self._into = into

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Save what the step has made of the model; a step comes again only where training goes on from before it."""
        for share in self._shares:
            if state.global_step == checkpoint_names.step(share, state.max_steps):
                self._save(self._into / checkpoint_names.folder(share))
