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

from reset.model import generation, precision, shape_caches
from reset.runs import checkpoints
from reset.runs.divergence import Limits, Watch
from reset.runs.launcher import free_port
from reset.runs.step_log import Steps
from reset.training import attention, fused_head, packing
from reset.training.base_trainer import Watched
from reset.training.best_model import Best, Weights
from reset.training.callbacks import Finished, Keep, LastStep, Save
from reset.training.encoding import ANSWERS
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


def without_shared_memory() -> None:
    """Keep DeepSpeed on a CPU from compiling its operator for shared memory, which takes a minute; gloo is enough.

    Its own table of operators is not asked for: that tries a compiler, whose files stay in /tmp after a kill.
    """
    if not torch.cuda.is_available():
        vars(deepspeed.ops)["__compatible_ops__"] = {}


def deepspeed_config(recipe: Recipe, ranks: int) -> dict[str, Any]:
    """Return DeepSpeed's configuration of a run on `ranks` ranks."""
    return {
        "zero_optimization": {"stage": recipe.zero_stage, "stage3_gather_16bit_weights_on_model_save": True},
        "zero_allow_untested_optimizer": True,
        "gradient_clipping": 1.0,
        "bf16": {"enabled": precision.dtype(recipe.dtype) is torch.bfloat16},
        "train_micro_batch_size_per_gpu": recipe.micro_batch_size,
        "train_batch_size": recipe.batch_size,
        "gradient_accumulation_steps": accumulation(recipe, ranks),
    }


def _trainer_config(recipe: Recipe, work: Path, *, seed: int, bf16: bool, has_dev: bool) -> dict[str, Any]:
    """Return the options shared by all of TRL's trainers."""
    ranks = int(os.environ["WORLD_SIZE"])
    return dict(
        output_dir=str(work),
        seed=seed,
        num_train_epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        per_device_train_batch_size=recipe.micro_batch_size,
        per_device_eval_batch_size=recipe.micro_batch_size,
        gradient_accumulation_steps=accumulation(recipe, ranks),
        weight_decay=recipe.weight_decay,
        adam_beta2=recipe.beta2,
        lr_scheduler_type="cosine",
        warmup_steps=recipe.warmup_ratio,  # below 1: a fraction of all steps
        bf16=bf16,
        use_cpu=not torch.cuda.is_available(),
        gradient_checkpointing=recipe.gradient_checkpointing,
        deepspeed=deepspeed_config(recipe, ranks),
        eval_strategy="steps" if has_dev else "no",
        eval_steps=recipe.eval_steps,
        save_strategy="no",  # `Save` decides
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
    save_minutes: float,
    keep: Sequence[float] = (),
) -> list[dict[str, float]]:
    """Train `model` on `rows`, save it to `into`, return the log: step, loss, dev_loss and, for preferences, margin.

    `build` makes the trainer of a method (`reset.registry.METHODS`), which defines the columns of the rows. With `dev`
    rows, the model with the lowest dev loss is saved, of those every `recipe.eval_steps` steps. The models at the
    shares `keep` of all steps are saved below `into` (`reset.checkpoint_names`). Every `save_minutes` minutes a
    checkpoint goes to `work`; training resumes from the last complete one there, on any number of ranks. All ranks call
    this; rank 0 writes. If the run diverges (`limits`), raises `ResetError` with the step and the rows of its batch, by
    `example_id` or else by number.
    """
    without_shared_memory()
    shape_caches.bound()
    fused_head.bound_tiles(model)
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
    resumed = checkpoints.last(trainer, work)
    take, write = partial(_weights, trainer), partial(_write, trainer, tokens)
    best = Best(take, write, resumed)
    kept = Keep(lambda folder: write(take(), folder), keep, into)
    for callback in (LastStep(), Save(save_minutes), best, Finished(), Steps(_tokens(rows), work), kept):
        trainer.add_callback(callback)
    trainer.train(resume_from_checkpoint=resumed)
    best.save(into, trainer.args.process_index)
    return [_log_row(entry) for entry in trainer.state.log_history if "loss" in entry or "eval_loss" in entry]


def _tokens(rows: Rows) -> int:
    """Count the tokens of an epoch, the prompt of a pair once."""
    return sum(len(ids) for row in rows for name, ids in row.items() if name in ("input_ids", "prompt_ids", *ANSWERS))


def _weights(trainer: Watched) -> Weights | None:
    """Copy the current weights, or those of an adapter, to the host memory of rank 0; gathers the shards of ZeRO-3."""
    weights: Weights = trainer.accelerator.get_state_dict(trainer.model_wrapped)
    if not trainer.is_world_process_zero():
        return None
    frozen = {
        name
        for name, one in trainer.accelerator.unwrap_model(trainer.model).named_parameters()
        if not one.requires_grad
    }
    return {name: one.cpu() for name, one in weights.items() if name not in frozen}


def _write(trainer: Watched, tokens: generation.Settings, weights: Weights | None, into: Path) -> None:
    """Save a model of these weights, ready to answer, with the special tokens `tokens` in its configuration."""
    if weights is None:
        return
    model: Any = trainer.accelerator.unwrap_model(trainer.model)
    config, model.config = model.config, copy.deepcopy(model.config)
    generation.ready(model.config, tokens)
    trainer.save_weights(into, weights)
    model.config = config
    (into / "training_args.bin").unlink(missing_ok=True)  # a pickle


def _log_row(entry: Mapping[str, float]) -> dict[str, float]:
    """Pick our columns of a log entry, under our names."""
    row = {"step": entry["step"]}
    for ours, theirs in (("loss", "loss"), ("dev_loss", "eval_loss"), ("margin", "rewards/margins")):
        if theirs in entry:
            row[ours] = entry[theirs]
    return row
