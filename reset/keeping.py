"""Keeps the model at shares of its training (`keep` of a row of `systems`), while the trainer goes on."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from reset import checkpoints


class Keep(TrainerCallback):
    """Calls `save` with a folder below `into` behind the step of each share; every rank does, as ZeRO-3 gathers."""

    def __init__(self, save: Callable[[Path], None], shares: Sequence[float], into: Path) -> None:
        self._save = save
        self._shares = shares
        self._into = into

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: Any) -> None:
        """Save what the step has made of the model; a step comes again only where training goes on from before it."""
        for share in self._shares:
            if state.global_step == checkpoints.step(share, state.max_steps):
                self._save(self._into / checkpoints.folder(share))
