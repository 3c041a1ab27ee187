"""What the trainers here do beyond TRL's: rows in an order of ours, a stop at once when the run is lost."""

from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import Trainer

from reset.runs import checkpoints
from reset.runs.divergence import Watch
from reset.training.row_order import InOrder, LengthGrouped


class Watched(Trainer):
    """What trainers here do beyond TRL's: rows in batches of like length, a stop at once when the run is lost.

    Comes before one of TRL's trainers among the bases of a class; `order` is set before training.
    """

    train_dataset: Any
    model_wrapped: Any
    order: LengthGrouped | InOrder
    watch: Watch
    _step_loss: torch.Tensor | float = 0.0  # of this rank's micro batches so far, where the loss is computed
    _weight_decays: list[float]

    def _get_train_sampler(self, train_dataset: Dataset | None = None) -> LengthGrouped | InOrder:
        return self.order

    def rows(self, step: int) -> list[str]:
        """Name the rows of a step, counted from 0: by their `example_id`, or else their number."""
        names = self.train_dataset["example_id"] if "example_id" in self.train_dataset.column_names else None
        return [names[row] if names else str(row) for row in self.order.batch(step)]

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Take a micro batch; with the last one of a step, stop if the run is lost."""
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

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        """Save tied weights once: DeepSpeed hands them over under each of their names."""
        tied = getattr(self.model, "all_tied_weights_keys", {})
        once = {name: weights for name, weights in (state_dict or {}).items() if name not in tied}
        super()._save(output_dir, once or None)

    def create_optimizer(self, *args: Any, **kwargs: Any) -> torch.optim.Optimizer:
        """Make the optimiser, and note the weight decay of its groups; DeepSpeed drops those without a parameter."""
        optimizer: torch.optim.Optimizer = super().create_optimizer(*args, **kwargs)
        self._weight_decays = [group["weight_decay"] for group in optimizer.param_groups if group["params"]]
        return optimizer

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        """Comes behind DeepSpeed's own loading."""
        super()._load_optimizer_and_scheduler(checkpoint)
        if self.model_wrapped.zero_optimization_stage() == 3 and self.model_wrapped.load_universal_checkpoint():
            checkpoints.mend(self.model_wrapped.optimizer.optimizer, self._weight_decays)

    def _load_best_model(self) -> None:
        best = Path(str(self.state.best_model_checkpoint))
        self.model_wrapped._config.load_universal_checkpoint = checkpoints.is_universal(best)
        super()._load_best_model()
