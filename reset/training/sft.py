"""Supervised training of responses (paper 2.1): SFTTrainer on rows of token ids with a loss mask.

Logits are computed from the first trained position on. With `loss: sequence` every row has the same weight, however
long its response. With `padding_free` the rows of a micro batch are packed into one sequence; attention stays within
each row, and logits are computed only where they predict a trained token (`reset.training.packing`). A mixture of
experts is also trained to balance its routers, with the coefficient of its configuration, as TRL's own trainers do; dev
losses are without it.
"""

import logging
from collections.abc import Mapping
from functools import cache
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from reset.training.base_trainer import Watched
from reset.training.fused_head import FusedHead, fused_head
from reset.training.loop import dataset
from reset.training.packing import Losses, packed_losses, packing_collator
from reset.training.passes import InPasses
from reset.training.recipe import IGNORED, Recipe, Rows
from reset.training.row_order import LengthGrouped

log = logging.getLogger(__name__)


@cache
def _say_that_routers_are_not_balanced() -> None:
    log.warning(
        "this mixture of experts is trained without the loss that balances its routers: its model computes none"
    )


class ResponseTrainer(Watched, InPasses, SFTTrainer):
    """SFTTrainer that computes the loss only on trained positions."""

    loss_is_scaled_for_ga: Any = True  # `compute_loss` does it
    head: FusedHead | None = None

    def compute_loss(  # type: ignore[no-untyped-def]
        self, model, inputs, return_outputs=False, num_items_in_batch=None
    ) -> Any:
        """Return the cross-entropy of the responses: the mean over all tokens, or over the means of the rows."""
        of_batch = packed_losses if "position_ids" in inputs else padded_losses
        losses, targets, outputs = of_batch(model, inputs, self.head)
        loss = _mean_loss(losses, targets, per_sequence=self.per_sequence, weights=inputs.get("weight"))
        if num_items_in_batch is not None:
            share = inputs.get("share", 1.0) / self.current_gradient_accumulation_steps  # of the rows of the step
            loss = loss * (share if self.per_sequence else self._trained_share(targets, num_items_in_batch))
            loss = loss + self._router_loss(outputs) * share
        return (loss, outputs) if return_outputs else loss

    def _router_loss(self, outputs: Any) -> Any:
        """Return the loss that balances the routers of a mixture of experts, times its coefficient; else 0."""
        if not self.aux_loss_enabled:
            return 0.0
        if (balance := getattr(outputs, "aux_loss", None)) is None:
            _say_that_routers_are_not_balanced()
            return 0.0
        return self.router_aux_loss_coef * balance

    def _trained_share(self, targets: torch.Tensor, trained_tokens: torch.Tensor) -> Any:
        """Return the share of the trained tokens of the step, given that DeepSpeed averages over ranks."""
        return (targets != IGNORED).sum() * self.accelerator.num_processes / trained_tokens


def padded_losses(model: Any, inputs: Mapping[str, Any], head: FusedHead | None = None) -> Losses:
    """Return the losses of a padded batch; `head` is that of `model`, if it has one."""
    labels = inputs["labels"]  # (rows, positions)
    batch = {name: inputs[name] for name in ("input_ids", "attention_mask")}
    if head:
        targets = labels[:, 1:]
        flat, outputs = head.losses(model, batch, labels)
        return flat.new_zeros(targets.shape).masked_scatter(targets != IGNORED, flat), targets, outputs
    trained = (labels[:, 1:] != IGNORED).any(dim=0)
    first = int(trained.int().argmax())  # logits at `first` predict the first trained token
    keep = labels.shape[1] - first
    outputs = model(**batch, logits_to_keep=keep, use_cache=False)
    logits = outputs.logits[:, :-1].float()  # (rows, keep - 1, vocabulary)
    targets = labels[:, first + 1 :]  # (rows, keep - 1)
    losses = cross_entropy(logits.transpose(1, 2), targets, ignore_index=IGNORED, reduction="none")
    return losses, targets, outputs


def _mean_loss(
    losses: torch.Tensor, targets: torch.Tensor, *, per_sequence: bool, weights: torch.Tensor | None = None
) -> torch.Tensor:
    """Average token losses (rows, positions), 0 where the target is ignored, over tokens or over the rows' means."""
    if weights is not None:  # (rows,)
        losses = losses * weights[:, None]
    counts = (targets != IGNORED).sum(dim=1)  # (rows,)
    if per_sequence:
        return (losses.sum(dim=1) / counts.clamp(min=1)).mean()
    return losses.sum() / counts.sum().clamp(min=1)


def supervised(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: Rows, dev: Rows, recipe: Recipe, config: Any
) -> ResponseTrainer:
    """Return a supervised trainer; rows have `input_ids`, `labels` and optionally a `weight` of their loss."""
    trainer = ResponseTrainer(
        model=model,
        processing_class=tokenizer,
        args=SFTConfig(**config, dataset_kwargs={"skip_prepare_dataset": True}),
        train_dataset=dataset(rows),
        eval_dataset=dataset(dev) if dev else None,
    )
    if recipe.padding_free:
        trainer.data_collator = packing_collator(tokenizer.pad_token_id)
    trainer.pass_tokens = recipe.micro_batch_tokens
    trainer.head = fused_head(model)
    trainer.per_sequence = recipe.loss == "sequence"
    trainer.order = LengthGrouped([len(row["input_ids"]) for row in rows], recipe.batch_size, config["seed"])
    return trainer
