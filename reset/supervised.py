"""Supervised training of responses (paper 2.1): SFTTrainer on rows of token ids with a loss mask.

Logits are computed from the first trained position on, and `loss: sequence` weighs every row alike, however long its
response.
"""

from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from reset.batches import LengthGrouped
from reset.trainer import IGNORED, Recipe, Rows, dataset
from reset.watched import Watched


class ResponseTrainer(Watched, SFTTrainer):
    """SFTTrainer whose loss is computed on the trained positions only."""

    loss_is_scaled_for_ga: Any = True  # `_share` does it
    per_sequence = False

    def compute_loss(  # type: ignore[no-untyped-def]
        self, model, inputs, return_outputs=False, num_items_in_batch=None
    ) -> Any:
        """Cross-entropy of the responses: mean over their tokens, or over rows of each row's mean."""
        labels = inputs["labels"]  # (rows, positions)
        trained = (labels[:, 1:] != IGNORED).any(dim=0)
        first = int(trained.int().argmax())  # logits at `first` predict the first trained token
        keep = labels.shape[1] - first
        outputs = model(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            logits_to_keep=keep,
            use_cache=False,
        )
        logits = outputs.logits[:, :-1].float()  # (rows, keep - 1, vocabulary)
        targets = labels[:, first + 1 :]  # (rows, keep - 1)
        loss = _loss(logits, targets, per_sequence=self.per_sequence, weights=inputs.get("weight"))
        if num_items_in_batch is not None:
            loss = loss * self._share(targets, num_items_in_batch)
        return (loss, outputs) if return_outputs else loss

    def _share(self, targets: torch.Tensor, trained_tokens: torch.Tensor) -> Any:
        """What a micro batch counts for in its global batch, times the ranks, whose mean DeepSpeed takes."""
        if self.per_sequence:
            return 1 / self.current_gradient_accumulation_steps
        return (targets != IGNORED).sum() * self.accelerator.num_processes / trained_tokens


def _loss(
    logits: torch.Tensor, targets: torch.Tensor, *, per_sequence: bool, weights: torch.Tensor | None = None
) -> torch.Tensor:
    token_losses = torch.nn.functional.cross_entropy(
        logits.transpose(1, 2), targets, ignore_index=IGNORED, reduction="none"
    )  # (rows, positions), 0 where ignored
    if weights is not None:  # (rows,)
        token_losses = token_losses * weights[:, None]
    counts = (targets != IGNORED).sum(dim=1)  # (rows,)
    if per_sequence:
        return (token_losses.sum(dim=1) / counts.clamp(min=1)).mean()
    return token_losses.sum() / counts.sum().clamp(min=1)


def supervised(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: Rows, dev: Rows, recipe: Recipe, config: Any
) -> ResponseTrainer:
    """The trainer of `input_ids` and `labels`; where rows have a `weight`, their losses are multiplied by it."""
    trainer = ResponseTrainer(
        model=model,
        processing_class=tokenizer,
        args=SFTConfig(**config, dataset_kwargs={"skip_prepare_dataset": True}),
        train_dataset=dataset(rows),
        eval_dataset=dataset(dev) if dev else None,
    )
    trainer.per_sequence = recipe.loss == "sequence"
    trainer.order = LengthGrouped([len(row["input_ids"]) for row in rows], recipe.batch_size, config["seed"])
    return trainer
