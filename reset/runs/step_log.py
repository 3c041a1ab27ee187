"""How far a training is, for `reset-lm status`: `steps.json` in its working folder, written at every logged step."""

import time
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState

from reset.files import tables

FILE = "steps.json"


class Steps(TrainerCallback):
    """Writes `step` of `steps`, and of this process: `since` which step, the `seconds` and the `tokens` trained.

    `tokens` of an epoch are given; those of the steps are their share.
    """

    def __init__(self, tokens: int, work: Path) -> None:
        self._tokens, self._path = tokens, work / FILE
        self._since, self._began = 0, time.monotonic()

    def on_train_begin(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Start to count, from the step of the checkpoint if the training resumes."""
        self._since, self._began = state.global_step, time.monotonic()

    def on_log(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Write the figures, on rank 0."""
        if state.is_world_process_zero:
            share = (state.global_step - self._since) / max(state.max_steps, 1)
            figures = {
                "step": state.global_step,
                "steps": state.max_steps,
                "since": self._since,
                "seconds": time.monotonic() - self._began,
                "tokens": round(share * self._tokens * args.num_train_epochs),
            }
            tables.write_json(self._path, figures)
