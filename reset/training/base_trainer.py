"""Base class for our TRL trainers: length-grouped batches, stop on divergence."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import Trainer

from reset.runs import checkpoints
from reset.runs.divergence import Watch
from reset.training.row_order import InOrder, LengthGrouped


class Watched(Trainer):
    """Base of our trainers: takes rows in the order of the sampler `order`, and lets `watch` stop a diverged run.

    In a class definition it stands before one of TRL's trainers. Set `order` and `watch` before training.
    """

    train_dataset: Any
    model_wrapped: Any
    order: LengthGrouped | InOrder
    watch: Watch
    _step_loss: torch.Tensor | float = 0.0  # sum over this rank's micro batches of the step; kept on the device
    _weight_decays: list[float]

    def _get_train_sampler(self, train_dataset: Dataset | None = None) -> LengthGrouped | InOrder:
        return self.order

    def rows(self, step: int) -> list[str]:
        """Return the names of the rows of `step` (from 0): their `example_id`, or else their number."""
        names = self.train_dataset["example_id"] if "example_id" in self.train_dataset.column_names else None
        return [names[row] if names else str(row) for row in self.order.batch(step)]

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Run one micro batch; after the last one of a step, raise `ResetError` if the run has diverged."""
        loss: torch.Tensor = super().training_step(*args, **kwargs)
        self._step_loss = self._step_loss + loss
        if self.accelerator.sync_gradients:
            self.watch.loss(self.state.global_step + 1, self.accelerator.reduce(self._step_loss, "mean").item())
            self._step_loss = 0.0
        return loss

    def _get_grad_norm(self, *args: Any, **kwargs: Any) -> Any:
        norm = super()._get_grad_norm(*args, **kwargs)  # type: ignore[no-untyped-call]
        if norm is not None:
            self.watch.gradient(self.state.global_step + 1, float(norm))
        return norm

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Write no model into a checkpoint: DeepSpeed's own files hold its weights."""
        if not _internal_call:
            super().save_model(output_dir)

    def save_weights(self, into: Path, weights: Mapping[str, torch.Tensor]) -> None:
        """Save a model of `weights`; tied ones once, though DeepSpeed has them under each of their names."""
        tied = getattr(self.model, "all_tied_weights_keys", {})
        self._save(str(into), {name: one for name, one in weights.items() if name not in tied})

    def create_optimizer(self, *args: Any, **kwargs: Any) -> torch.optim.Optimizer:
        """Make the optimiser; remember the weight decay of its groups, but for empty ones, which DeepSpeed drops."""
        optimizer: torch.optim.Optimizer = super().create_optimizer(*args, **kwargs)
        self._weight_decays = [group["weight_decay"] for group in optimizer.param_groups if group["params"]]
        return optimizer

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        """Runs after DeepSpeed has loaded its state; repairs what it got wrong in a universal ZeRO-3 checkpoint."""
        super()._load_optimizer_and_scheduler(checkpoint)
        if self.model_wrapped.zero_optimization_stage() == 3 and self.model_wrapped.load_universal_checkpoint():
            checkpoints.mend(self.model_wrapped.optimizer.optimizer, self._weight_decays)
