"""Training on several answers to a prompt with TRL's trainers: DPO, KTO and weighted supervised training.

DPO is Rafailov et al. (2023, arXiv 2305.18290). With `loss: sequence` it is normalised by length (`sigmoid_norm`, as in
Tulu 3, arXiv 2411.15124); with `sft_weight` the cross-entropy of the chosen answer is added (Pang et al. 2024, arXiv
2404.19733). KTO is Ethayarajh et al. (2024, arXiv 2402.01306). Rows are already token ids, so the trainers tokenise
nothing. There is no dev set: the model of the last step is saved.

The reference model is a copy of the model in memory before the first step, whatever it was made of (an adapter kept
apart is merged into it by then), sharded under ZeRO-3 like the trained one. Where DPO trains a new adapter on whole
weights, it is the same model with the adapter switched off, and takes no memory. TRL could compute its
log-probabilities beforehand, but with in-memory rows it caches them under a random name per rank, so that all ranks but
the first miss them.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import torch
from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.kto_config import KTOConfig
from trl.trainer.kto_trainer import KTOTrainer

from reset.errors import ResetError
from reset.training import attention
from reset.training.base_trainer import Watched
from reset.training.fused_head import difference
from reset.training.loop import dataset
from reset.training.recipe import Recipe, Rows
from reset.training.row_order import InOrder, LengthGrouped
from reset.training.sft import ResponseTrainer, supervised


class PairTrainer(Watched, DPOTrainer):
    """DPOTrainer for rows of token ids, in length-grouped batches."""

    def _prepare_dataset(self, dataset: Dataset, *_: Any) -> Dataset:
        return dataset


class LabelTrainer(Watched, KTOTrainer):
    """KTOTrainer for rows of token ids, in the order they are given."""

    def _prepare_dataset(self, dataset: Dataset, *_: Any) -> Dataset:
        return dataset


def dpo(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: Rows, dev: Rows, recipe: Recipe, config: Any
) -> PairTrainer:
    """Return a DPO trainer; rows have `prompt_ids`, `chosen_ids` and `rejected_ids`, and `dev` is not used."""
    losses = {"sigmoid_norm" if recipe.loss == "sequence" else "sigmoid": 1.0}
    if recipe.sft_weight:
        losses["sft"] = recipe.sft_weight
    adapted = hasattr(model, "peft_config")
    _require_log_probabilities(_whole(model))
    trainer = PairTrainer(
        model=model,
        ref_model=None if adapted else _reference_model(model),
        processing_class=tokenizer,
        args=DPOConfig(**config, beta=recipe.beta, loss_type=list(losses), loss_weights=list(losses.values())),
        train_dataset=dataset(rows),
    )
    if adapted:  # TRL's copy of the adapter; without it, TRL switches the adapter off
        cast(Any, trainer.model).delete_adapter("ref")
    lengths = [len(row["prompt_ids"]) + max(len(row["chosen_ids"]), len(row["rejected_ids"])) for row in rows]
    trainer.order = LengthGrouped(lengths, recipe.batch_size, config["seed"])
    return trainer


def kto(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: Rows, dev: Rows, recipe: Recipe, config: Any
) -> LabelTrainer:
    """Return a KTO trainer; rows have `prompt_ids`, `completion_ids` and `label`, and `dev` is not used."""
    weights: dict[str, Any] = {name: getattr(recipe, name) for name in ("desirable_weight", "undesirable_weight")}
    _require_log_probabilities(model)
    trainer = LabelTrainer(
        model=model,
        ref_model=_reference_model(model),
        processing_class=tokenizer,
        args=KTOConfig(**config, beta=recipe.beta, **weights),
        train_dataset=dataset(mismatched(rows, recipe.micro_batch_size, config["seed"])),
    )
    trainer.order = InOrder(len(rows), recipe.batch_size)
    return trainer


def mismatched(rows: Rows, micro_batch_size: int, seed: int) -> list[dict[str, Any]]:
    """Return the rows in a seeded order, each with the answer of the row before it as `KL_completion_ids`.

    The first row of a micro batch gets the answer of its last one, as in TRL, which estimates the KL term of KTO from
    these answers and therefore keeps the order of the rows. A row that is alone in its micro batch gets the answer of
    the row before it (TRL: its own, of which the estimate would be the reward itself). Raises `ResetError` for fewer
    than two rows.
    """
    if len(rows) < 2:
        raise ResetError("kto needs two rows at least: it compares each with the answer of another")
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed)).tolist()
    ordered = [rows[index] for index in order]
    mixed = []
    for start in range(0, len(ordered), micro_batch_size):
        batch = ordered[start : start + micro_batch_size]
        others = [batch[-1] if len(batch) > 1 else ordered[start - 1], *batch]
        pairs = zip(batch, others, strict=False)
        mixed += [{**row, "KL_completion_ids": other["completion_ids"]} for row, other in pairs]
    return mixed


def weighted_sft(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: Rows, dev: Rows, recipe: Recipe, config: Any
) -> ResponseTrainer:
    """Return a supervised trainer; weights are scaled to a mean of 1, so that learning rates stay comparable."""
    scale = len(rows) / sum(row["weight"] for row in rows)
    scaled = [{**row, "weight": row["weight"] * scale} for row in rows]
    trainer = supervised(model, tokenizer, scaled, dev, recipe, config)
    trainer.data_collator = _with_weights(trainer.data_collator)
    return trainer


def _with_weights(collate: Callable[[Any], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
    """Add the rows' weights to the batches of `collate`."""

    def collate_with_weights(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        batch = collate(rows)
        if "weight" in rows[0]:  # dev rows have none
            batch["weight"] = torch.tensor([row["weight"] for row in rows])
        return batch

    return collate_with_weights


def _reference_model(model: PreTrainedModel) -> PreTrainedModel:
    """Return a copy of `model` before its first step, which DPO and KTO hold it to; with PyTorch's own attention."""
    reference = copy.deepcopy(model)
    if reference.config._attn_implementation == attention.NAME:
        reference.set_attn_implementation("sdpa")
    return reference


def _whole(model: Any) -> Any:
    """Return the model itself, without the wrapper that peft puts around it; a new adapter changes no output yet."""
    return model.get_base_model() if hasattr(model, "peft_config") else model


def _require_log_probabilities(model: Any) -> None:
    """Raise `ResetError` if TRL, which goes past the model's own output, computes other log-probabilities."""
    if problem := difference(model):
        raise ResetError(f"dpo and kto cannot train a model of type '{model.config.model_type}': {problem}")
