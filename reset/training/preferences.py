"""Training on several answers to a prompt, through TRL's own trainers: DPO, KTO and supervised training with weights.

DPO is Rafailov et al. (2023, arXiv 2305.18290), with `loss: sequence` its form per token (`sigmoid_norm`, as in Tulu 3,
arXiv 2411.15124), and with `sft_weight` the cross-entropy of the chosen answer added (Pang et al. 2024, arXiv
2404.19733). KTO is Ethayarajh et al. (2024, arXiv 2402.01306). Rows come in as token ids, so that
the trainers tokenise nothing. No rows are held out: the model of the last step is saved.

The reference model is loaded a second time and stands beside the trained one, whole or, under ZeRO-3, spread like it.
TRL can compute its log-probabilities beforehand instead, but keeps those of rows in memory under a random name of each
rank's own, so that with several ranks all but the first miss them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.kto_config import KTOConfig
from trl.trainer.kto_trainer import KTOTrainer

from reset.training.base_trainer import Watched
from reset.training.loop import dataset
from reset.training.recipe import Recipe, Rows
from reset.training.row_order import InOrder, LengthGrouped
from reset.training.sft import ResponseTrainer, supervised


class PairTrainer(Watched, DPOTrainer):
    """DPOTrainer of rows that are token ids already, in batches of like length."""

    def _prepare_dataset(self, dataset: Dataset, *_: Any) -> Dataset:
        return dataset


class LabelTrainer(Watched, KTOTrainer):
    """KTOTrainer of rows that are token ids already; it takes them in their order."""

    def _prepare_dataset(self, dataset: Dataset, *_: Any) -> Dataset:
        return dataset


def dpo(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: Rows, dev: Rows, recipe: Recipe, config: Any
) -> PairTrainer:
    """The trainer of pairs: rows of `prompt_ids`, `chosen_ids` and `rejected_ids`; `dev` rows are not read."""
    losses = {"sigmoid_norm" if recipe.loss == "sequence" else "sigmoid": 1.0}
    if recipe.sft_weight:
        losses["sft"] = recipe.sft_weight
    trainer = PairTrainer(
        model=model,
        ref_model=_reference(model),
        processing_class=tokenizer,
        args=DPOConfig(**config, beta=recipe.beta, loss_type=list(losses), loss_weights=list(losses.values())),
        train_dataset=dataset(rows),
    )
    lengths = [len(row["prompt_ids"]) + max(len(row["chosen_ids"]), len(row["rejected_ids"])) for row in rows]
    trainer.order = LengthGrouped(lengths, recipe.batch_size, config["seed"])
    return trainer


def kto(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: Rows, dev: Rows, recipe: Recipe, config: Any
) -> LabelTrainer:
    """The trainer of labelled answers: rows of `prompt_ids`, `completion_ids` and `label`; `dev` rows are not read."""
    weights: dict[str, Any] = {name: getattr(recipe, name) for name in ("desirable_weight", "undesirable_weight")}
    trainer = LabelTrainer(
        model=model,
        ref_model=_reference(model),
        processing_class=tokenizer,
        args=KTOConfig(**config, beta=recipe.beta, **weights),
        train_dataset=dataset(mismatched(rows, recipe.micro_batch_size, config["seed"])),
    )
    trainer.order = InOrder(len(rows), recipe.batch_size)
    return trainer


def mismatched(rows: Rows, micro_batch_size: int, seed: int) -> list[dict[str, Any]]:
    """The rows in a seeded order, each with the answer of its neighbour in its micro batch as `KL_completion_ids`.

    From these TRL estimates the reference point of KTO, and for that it keeps to the order of the rows.
    """
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed)).tolist()
    starts = range(0, len(order), micro_batch_size)
    batches = [[rows[at] for at in order[start : start + micro_batch_size]] for start in starts]
    return [
        {**row, "KL_completion_ids": batch[place - 1]["completion_ids"]}
        for batch in batches
        for place, row in enumerate(batch)
    ]


def weighted_sft(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: Rows, dev: Rows, recipe: Recipe, config: Any
) -> ResponseTrainer:
    """The supervised trainer of rows with a `weight`, scaled to a mean of 1: rates then mean what they do without."""
    scale = len(rows) / sum(row["weight"] for row in rows)
    scaled = [{**row, "weight": row["weight"] * scale} for row in rows]
    trainer = supervised(model, tokenizer, scaled, dev, recipe, config)
    trainer.data_collator = _with_weights(trainer.data_collator)
    return trainer


def _with_weights(collate: Callable[[Any], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
    def collated(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        batch = collate(rows)
        if "weight" in rows[0]:  # dev rows have none
            batch["weight"] = torch.tensor([row["weight"] for row in rows])
        return batch

    return collated


def _reference(model: PreTrainedModel) -> PreTrainedModel:
    """The starting model once more, from where `model` was loaded."""
    loaded: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
        str(model.name_or_path), dtype=model.dtype, use_safetensors=True, trust_remote_code=False
    )
    return loaded
