"""The training loop: TRL's trainers on DeepSpeed (paper A.3), in one process or several ranks.

Rows are already token ids, so the trainers train exactly the tokens that `reset.model.tokens` made. The method's module
defines the loss: `reset.training.sft`, `reset.training.preferences`.
"""

import atexit
import copy
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import deepspeed
import torch
from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from reset.model import generation, precision
from reset.runs import checkpoints
from reset.runs.divergence import Limits, Watch
from reset.runs.launcher import free_port
from reset.training import attention, packing
from reset.training.base_trainer import Watched
from reset.training.callbacks import Finished, Keep, LastStep
from reset.training.recipe import Recipe, Rows, accumulation

Build = Callable[[PreTrainedModel, PreTrainedTokenizerBase, Rows, Rows, Recipe, Any], Watched]


def rendezvous() -> None:
    """Set the environment variables that DeepSpeed needs, for a single process started without a launcher."""
    if "RANK" not in os.environ:
        alone = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1"}
        os.environ.update(alone, MASTER_PORT=str(free_port()))
    atexit.register(_destroy_process_group)


def _destroy_process_group() -> None:
    """End the process group: if its threads outlive the interpreter, they abort a process that has finished."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def leave() -> NoReturn:
    """End this process, a rank that has finished, at once: gloo's threads can abort one that ends as usual."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _deepspeed_config(recipe: Recipe) -> dict[str, Any]:
    return {
        "zero_optimization": {"stage": recipe.zero_stage, "stage3_gather_16bit_weights_on_model_save": True},
        "zero_allow_untested_optimizer": True,
        "gradient_clipping": 1.0,
        "bf16": {"enabled": "auto"},
        "train_micro_batch_size_per_gpu": "auto",
        "train_batch_size": "auto",
        "gradient_accumulation_steps": "auto",
    }


def _trainer_config(recipe: Recipe, work: Path, *, seed: int, bf16: bool, has_dev: bool) -> dict[str, Any]:
    """Return the options shared by all of TRL's trainers."""
    steps = "steps" if has_dev else "no"
    return dict(
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
        warmup_steps=recipe.warmup_ratio,  # below 1: a fraction of all steps
        bf16=bf16,
        use_cpu=not torch.cuda.is_available(),
        gradient_checkpointing=recipe.gradient_checkpointing,
        deepspeed=_deepspeed_config(recipe),
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
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
    )


def dataset(rows: Rows) -> Dataset:
    """Return `rows` as a data set for the trainers."""
    return Dataset.from_dict({name: [row[name] for row in rows] for name in rows[0]})


def fit(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: Rows,
    dev: Rows,
    recipe: Recipe,
    into: Path,
    *,
    work: Path,
    seed: int,
    limits: Limits,
    build: Build,
    keep: Sequence[float] = (),
) -> list[dict[str, float]]:
    """Train `model` on `rows`, save it to `into`, return the log: step, loss, dev_loss and, for preferences, margin.

    `build` makes the trainer of a method (`reset.registry.METHODS`), which defines the columns of the rows. With `dev`
    rows, the checkpoint with the lowest dev loss is saved. The models at the shares `keep` of all steps are saved below
    `into` (`reset.checkpoint_names`). Checkpoints go to `work`; training resumes from the last complete one there, on
    any number of ranks. All ranks call this; rank 0 writes. If the run diverges (`limits`), raises `ResetError` with
    the step and the rows of its batch, by `example_id` or else by number.
    """
    if not torch.cuda.is_available():
        deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False  # takes a minute to compile; gloo is enough
    bf16 = precision.dtype(recipe.dtype) is torch.bfloat16
    tokens = generation.special_tokens(model.config)
    if recipe.padding_free:
        packing.check(model)
    if bf16 and not torch.cuda.is_available():
        attention.in_float32(model)
    if bf16 and recipe.padding_free:
        attention.use_flash_attention(model)
    config = _trainer_config(recipe, work, seed=seed, bf16=bf16, has_dev=bool(dev))
    trainer = build(model, tokenizer, rows, dev, recipe, config)
    trainer.watch = Watch(limits, trainer.rows)
    save = partial(_save, trainer, tokens)
    for callback in (LastStep(), Finished(), Keep(save, keep, into)):
        trainer.add_callback(callback)
    trainer.train(resume_from_checkpoint=checkpoints.last(trainer, work))
    save(into)
    return [_log_row(entry) for entry in trainer.state.log_history if "loss" in entry or "eval_loss" in entry]


def _save(trainer: Watched, tokens: generation.Settings, into: Path) -> None:
    """Save the current model, ready to answer, with the special tokens `tokens` in its configuration."""
    model: Any = trainer.accelerator.unwrap_model(trainer.model)
    config, model.config = model.config, copy.deepcopy(model.config)
    generation.ready(model.config, tokens)
    trainer.save_model(str(into))  # gathers the shards of ZeRO-3
    model.config = config
    (into / "training_args.bin").unlink(missing_ok=True)  # a pickle


def _log_row(entry: Mapping[str, float]) -> dict[str, float]:
    """Pick our columns of a log entry, under our names."""
    row = {"step": entry["step"]}
    for ours, theirs in (("loss", "loss"), ("dev_loss", "eval_loss"), ("margin", "rewards/margins")):
        if theirs in entry:
            row[ours] = entry[theirs]
    return row
