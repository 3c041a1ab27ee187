"""The training loop: TRL's SFTTrainer on DeepSpeed (paper A.3), one process or one rank of many.

Rows come in as token ids with a loss mask, so that what is trained is exactly what `reset.tokens` made. The only thing
of our own here is the loss: logits are computed from the first trained position on, and `loss: sequence` weighs every
row alike, however long its response.
"""

import logging
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import deepspeed
import torch
from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.trainer_utils import get_last_checkpoint
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from reset import precision
from reset.batches import LengthGrouped
from reset.errors import ResetError
from reset.ports import free_port

log = logging.getLogger(__name__)

IGNORED = -100  # label of a position that is not trained


@dataclass(frozen=True)
class Recipe:
    """One row of `recipes` in params.yaml; rates per step, lengths in tokens."""

    learning_rate: float
    epochs: float
    batch_size: int  # global: over all devices and accumulation steps
    micro_batch_size: int  # rows a device holds at once
    weight_decay: float
    beta2: float
    warmup_ratio: float
    loss: str  # token | sequence
    eval_steps: int  # a checkpoint and a dev perplexity every so many steps
    zero_stage: int
    dtype: str  # auto | bfloat16 | float32
    gradient_checkpointing: bool


class ResponseTrainer(SFTTrainer):
    """SFTTrainer whose loss is computed on the trained positions only."""

    per_sequence = False
    lengths: Sequence[int] = ()  # of the training rows, in tokens

    def _get_train_sampler(self, train_dataset: Dataset | None = None) -> LengthGrouped:
        batch = self.args.train_batch_size * self.args.gradient_accumulation_steps * self.args.world_size
        return LengthGrouped(self.lengths, batch, self.args.seed)

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        """Save tied weights once: DeepSpeed hands them over under each of their names."""
        tied = getattr(self.model, "all_tied_weights_keys", {})
        once = {name: weights for name, weights in (state_dict or {}).items() if name not in tied}
        super()._save(output_dir, once or None)

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
        loss = _loss(logits, targets, per_sequence=self.per_sequence)
        return (loss, outputs) if return_outputs else loss


def _loss(logits: torch.Tensor, targets: torch.Tensor, *, per_sequence: bool) -> torch.Tensor:
    token_losses = torch.nn.functional.cross_entropy(
        logits.transpose(1, 2), targets, ignore_index=IGNORED, reduction="none"
    )  # (rows, positions), 0 where ignored
    counts = (targets != IGNORED).sum(dim=1)  # (rows,)
    if per_sequence:
        return (token_losses.sum(dim=1) / counts.clamp(min=1)).mean()
    return token_losses.sum() / counts.sum().clamp(min=1)


def accumulation(recipe: Recipe, devices: int) -> int:
    """Accumulation steps that give the recipe's global batch on so many devices.

    Raises `ResetError` when no whole number does.
    """
    at_once = recipe.micro_batch_size * devices
    if recipe.batch_size % at_once:
        raise ResetError(
            f"batch_size {recipe.batch_size} is no multiple of micro_batch_size {recipe.micro_batch_size} x"
            f" {devices} devices"
        )
    return recipe.batch_size // at_once


def rendezvous() -> None:
    """Set the variables that DeepSpeed wants where a single process was started directly, without a launcher."""
    if "RANK" not in os.environ:
        alone = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1"}
        os.environ.update(alone, MASTER_PORT=str(free_port()))


def _deepspeed(recipe: Recipe) -> dict[str, Any]:
    return {
        "zero_optimization": {"stage": recipe.zero_stage, "stage3_gather_16bit_weights_on_model_save": True},
        "zero_allow_untested_optimizer": True,
        "gradient_clipping": 1.0,
        "bf16": {"enabled": "auto"},
        "train_micro_batch_size_per_gpu": "auto",
        "train_batch_size": "auto",
        "gradient_accumulation_steps": "auto",
    }


def _config(recipe: Recipe, work: Path, *, seed: int, bf16: bool, has_dev: bool) -> SFTConfig:
    steps = "steps" if has_dev else "no"
    return SFTConfig(
        output_dir=str(work),
        seed=seed,
        num_train_epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        per_device_train_batch_size=recipe.micro_batch_size,
        per_device_eval_batch_size=recipe.micro_batch_size,
        gradient_accumulation_steps=accumulation(recipe, int(os.environ["WORLD_SIZE"])),
        weight_decay=recipe.weight_decay,
        adam_beta2=recipe.beta2,
        lr_scheduler_type="cosine",
        warmup_steps=recipe.warmup_ratio,  # below 1: a share of all steps
        bf16=bf16,
        use_cpu=not torch.cuda.is_available(),
        gradient_checkpointing=recipe.gradient_checkpointing,
        deepspeed=_deepspeed(recipe),
        eval_strategy=steps,
        save_strategy="steps",
        eval_steps=recipe.eval_steps,
        save_steps=recipe.eval_steps,
        save_total_limit=2,
        load_best_model_at_end=has_dev,
        metric_for_best_model="eval_loss",
        greater_is_better=False,
        prediction_loss_only=True,
        logging_steps=min(10, recipe.eval_steps),
        report_to=[],
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
    )


def fit(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: Sequence[Mapping[str, list[int]]],
    dev: Sequence[Mapping[str, list[int]]],
    recipe: Recipe,
    into: Path,
    *,
    work: Path,
    seed: int,
) -> list[dict[str, float]]:
    """Train `model` on rows of `input_ids` and `labels`, save it to `into`, return the log: step, loss, dev_loss.

    With `dev` rows the checkpoint of the lowest dev loss is what is saved. Checkpoints go to `work`; where it already
    holds one, training goes on from there. All ranks call this; the first one writes. Raises `ResetError` for a loss
    that is not a number.
    """
    if not torch.cuda.is_available():
        deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False  # gloo serves; this one is compiled for a minute
    bf16 = precision.dtype(recipe.dtype) is torch.bfloat16
    trainer = ResponseTrainer(
        model=model,
        processing_class=tokenizer,
        args=_config(recipe, work, seed=seed, bf16=bf16, has_dev=bool(dev)),
        train_dataset=_dataset(rows),
        eval_dataset=_dataset(dev) if dev else None,
    )
    trainer.per_sequence = recipe.loss == "sequence"
    trainer.lengths = [len(row["input_ids"]) for row in rows]
    checkpoint = get_last_checkpoint(str(work)) if work.is_dir() else None  # type: ignore[no-untyped-call]
    trainer.train(resume_from_checkpoint=checkpoint)
    model.config.use_cache = True  # off while training
    trainer.save_model(str(into))  # gathers what ZeRO-3 has spread
    (into / "training_args.bin").unlink(missing_ok=True)  # a pickle
    return [_logged(entry) for entry in trainer.state.log_history if "loss" in entry or "eval_loss" in entry]


def _dataset(rows: Sequence[Mapping[str, list[int]]]) -> Dataset:
    return Dataset.from_dict(
        {
            "input_ids": [row["input_ids"] for row in rows],
            "labels": [row["labels"] for row in rows],
        }
    )


def _logged(entry: Mapping[str, float]) -> dict[str, float]:
    named = {"step": entry["step"]}
    for ours, theirs in (("loss", "loss"), ("dev_loss", "eval_loss")):
        if theirs in entry:
            if not math.isfinite(entry[theirs]):
                raise ResetError(f"training diverged: {ours} is {entry[theirs]} at step {entry['step']}")
            named[ours] = entry[theirs]
    return named
