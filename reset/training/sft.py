"""Supervised training of responses (paper 2.1): SFTTrainer on rows of token ids with a loss mask.

Logits are computed from the first trained position on. With `loss: sequence` every row has the same weight, however
long its response. With `padding_free` the rows of a micro batch are packed into one sequence; attention stays within
each row, and logits are computed only where they predict a trained token.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling, SFTTrainer

from reset.training.base_trainer import Watched
from reset.training.loop import dataset
from reset.training.recipe import IGNORED, Recipe, Rows
from reset.training.row_order import LengthGrouped


class ResponseTrainer(Watched, SFTTrainer):
    """SFTTrainer that computes the loss only on trained positions."""

    loss_is_scaled_for_ga: Any = True  # `_micro_batch_weight` does it
    per_sequence = False

    def compute_loss(  # type: ignore[no-untyped-def]
        self, model, inputs, return_outputs=False, num_items_in_batch=None
    ) -> Any:
        """Return the cross-entropy of the responses: the mean over all tokens, or over the means of the rows."""
        losses, targets, outputs = (_packed_losses if "position_ids" in inputs else _padded_losses)(model, inputs)
        loss = _mean_loss(losses, targets, per_sequence=self.per_sequence, weights=inputs.get("weight"))
        if num_items_in_batch is not None:
            loss = loss * self._micro_batch_weight(targets, num_items_in_batch)
        return (loss, outputs) if return_outputs else loss

    def _micro_batch_weight(self, targets: torch.Tensor, trained_tokens: torch.Tensor) -> Any:
        """Return the weight of a micro batch in the global batch, given that DeepSpeed averages over ranks."""
        if self.per_sequence:
            return 1 / self.current_gradient_accumulation_steps
        return (targets != IGNORED).sum() * self.accelerator.num_processes / trained_tokens


Losses = tuple[torch.Tensor, torch.Tensor, Any]  # losses, 0 where ignored, and targets (rows, positions); outputs


def _padded_losses(model: Any, inputs: Mapping[str, Any]) -> Losses:
    """Return the losses of a padded batch."""
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
    losses = cross_entropy(logits.transpose(1, 2), targets, ignore_index=IGNORED, reduction="none")
    return losses, targets, outputs


def _packed_losses(model: Any, inputs: Mapping[str, Any]) -> Losses:
    """Return the losses of a packed batch, as `_packing_collator` makes it."""
    labels = inputs["labels"][0]  # (positions of all rows,)
    keep = (labels[1:] != IGNORED).nonzero().flatten()  # positions that predict a trained token
    kernels = {name: inputs[name] for name in ("cu_seq_lens_q", "cu_seq_lens_k", "max_length_q", "max_length_k")}
    outputs = model(
        input_ids=inputs["input_ids"],
        position_ids=inputs["position_ids"],
        logits_to_keep=keep,
        use_cache=False,
        **kernels,
    )
    targets = labels[keep + 1]  # (trained tokens,)
    losses = cross_entropy(outputs.logits[0].float(), targets, reduction="none")
    counts = inputs["trained"].tolist()
    return _pad_rows(losses, counts, 0), _pad_rows(targets, counts, IGNORED), outputs


def _pad_rows(flat: torch.Tensor, counts: list[int], fill: float) -> torch.Tensor:
    """Split concatenated rows of `counts` values and pad them to (rows, positions)."""
    return pad_sequence(list(torch.split(flat, counts)), batch_first=True, padding_value=fill)


def _packing_collator(pad_token_id: Any) -> Callable[[Any], dict[str, Any]]:
    """Return a collator that packs rows into one sequence; `trained` holds the trained tokens of each row (rows,)."""
    collate = DataCollatorForLanguageModeling(pad_token_id=pad_token_id, padding_free=True)

    def pack(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        trained = [sum(label != IGNORED for label in row["labels"][1:]) for row in rows]
        # `trained` comes first: the trainer takes the length of the first value as the number of rows
        return {"trained": torch.tensor(trained), **collate(rows)}

    return pack


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
        trainer.data_collator = _packing_collator(tokenizer.pad_token_id)
    trainer.per_sequence = recipe.loss == "sequence"
    trainer.order = LengthGrouped([len(row["input_ids"]) for row in rows], recipe.batch_size, config["seed"])
    return trainer
