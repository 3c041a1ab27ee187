"""Tasks of EleutherAI's lm-evaluation-harness (Gao et al. 2021), measured by its own `simple_evaluate`.

The package `lm_eval` is not among the pins: a user who wants it installs it. Nothing is read from the network, so the
tasks' data must be local files or lie in the hub's cache.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from reset.errors import ResetError, nearest

OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
DEFAULT_FILTER = "none"


@dataclass(frozen=True)
class Settings:
    """How tasks are put: `few_shot` and `examples` are each task's own and all, if None."""

    tasks: Sequence[str]
    own_tasks: Path  # folder of task files
    few_shot: int | None
    examples: int | None
    chat_template: bool
    batch: int


def measure(folder: Path, settings: Settings) -> dict[str, Any]:
    """Return the version of lm_eval and the figures of each task, for the model in `folder`.

    Figures are the task's own metrics, each as `value` and `stderr` (None where there is none), and `examples`.
    Raises `ResetError` if lm_eval is not installed, and for a task that is unknown or cannot be loaded offline.
    """
    require()
    os.environ.update(OFFLINE)  # before the hub's libraries are imported
    import lm_eval
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=str(settings.own_tasks))
    for task in settings.tasks:
        if task not in manager.all_tasks:
            raise ResetError(f"ability.tasks: lm_eval has no task '{task}'. {nearest(task, manager.all_tasks)}")
    model, tokenizer = _loaded(folder)
    try:
        found = lm_eval.simple_evaluate(
            model=HFLM(pretrained=model, tokenizer=tokenizer, batch_size=settings.batch),
            tasks=list(settings.tasks),
            num_fewshot=settings.few_shot,
            limit=settings.examples,
            apply_chat_template=settings.chat_template,
            task_manager=manager,
            log_samples=False,
        )
    except OSError as error:  # what `datasets` and the hub raise for data that are not there
        said = " ".join(str(error).split())
        hint = "run lm_eval once with a network, or name local files in a task file of your own"
        raise ResetError(f"ability.tasks: data that are not on this machine ({said}): {hint}") from error
    return {"lm_eval": lm_eval.__version__, "tasks": {task: figures(found, task) for task in settings.tasks}}


def require() -> None:
    """Raise `ResetError` if lm_eval is not installed."""
    if find_spec("lm_eval") is None:
        hint = "`pip install lm_eval`, or empty `ability.systems`"
        raise ResetError(f"ability.tasks are those of the package lm_eval, which is not installed: {hint}")


def _loaded(folder: Path) -> tuple[Any, Any]:
    """Load a system's model, its adapter merged, and its tokenizer."""
    import torch
    from transformers import AutoTokenizer

    from reset.model import adapters, precision

    model: Any = adapters.load(folder, precision.dtype("auto"))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return model.to(device).eval(), AutoTokenizer.from_pretrained(folder)


def figures(found: Mapping[str, Any], task: str) -> dict[str, Any]:
    """Return the metrics of a task, or of a group of tasks, from what `simple_evaluate` returned.

    lm_eval names a metric with the filter of the answers, "exact_match,strict-match", and its standard error
    "exact_match_stderr,strict-match".
    """
    samples = found.get("n-samples", {}).get(task, {})
    examples = {"examples": samples["effective"]} if samples else {}
    return {**examples, "metrics": dict(_metrics(found["results"][task]))}


def _metrics(row: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, float | None]]]:
    for key, value in row.items():
        metric, _, kept = key.partition(",")
        if not kept or metric.endswith("_stderr") or not isinstance(value, int | float):
            continue
        error = row.get(f"{metric}_stderr,{kept}")
        name = metric if kept == DEFAULT_FILTER else f"{metric} ({kept})"
        yield name, {"value": round(value, 6), "stderr": round(error, 6) if isinstance(error, float) else None}
