"""One side of benchmarks/train.py in a process of its own: trains on the rows of a file, prints its figures as JSON."""

import json
import resource
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, TrainerCallback
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from reset.micro.model import word_tokenizer
from reset.model import adapters, precision
from reset.runs.divergence import Limits
from reset.training import loop
from reset.training.preferences import dpo
from reset.training.recipe import Recipe
from reset.training.sft import supervised

BUILDERS: dict[str, Any] = {"sft": supervised, "dpo": dpo}  # by a recipe's method


class Clock(TrainerCallback):
    """When each step ended, by the clock and in processor seconds; the mean loss of the run."""

    def __init__(self) -> None:
        self.loss: float | None = None
        self.ends: list[tuple[float, float]] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Note the time."""
        self.ends.append((time.perf_counter(), time.process_time()))

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Note the mean loss, which the last entry has."""
        self.loss = logs.get("train_loss", self.loss)


def model(job: dict[str, Any]) -> Any:
    """The model of a folder, or a LLaMA of a shape with random weights, the same on both sides; in float32."""
    where = job["model"]
    if adapter := job.get("adapter"):
        return adapters.start(Path(where), adapters.Adapter(**adapter), 0)
    if isinstance(where, str):
        return AutoModelForCausalLM.from_pretrained(where, dtype=torch.float32)
    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(**where, tie_word_embeddings=True))  # type: ignore[no-untyped-call]


def ours(rows: list[dict[str, Any]], job: dict[str, Any], work: Path, clock: Clock) -> None:
    """`reset.training.loop.fit`, with a callback for the clock."""
    recipe = Recipe(**job["recipe"])

    def timed(*args: Any) -> loop.Watched:
        built = BUILDERS[recipe.method](*args)
        built.add_callback(clock)
        return built

    loop.rendezvous()
    tokenizer = word_tokenizer(job["max_tokens"])
    options: dict[str, Any] = {"work": work, "seed": 0, "limits": Limits(rise=100.0, window=20), "build": timed}
    options["save_minutes"] = 60.0  # never, as below
    loop.fit(model(job), tokenizer, rows, [], recipe, work / "model", **options)


def theirs(rows: list[dict[str, Any]], job: dict[str, Any], work: Path, clock: Clock) -> None:
    """TRL's SFTTrainer with its defaults, but for what `job` says: rates, batch and dtype as ours."""
    recipe = Recipe(**job["recipe"])
    arguments = SFTConfig(
        output_dir=str(work),
        num_train_epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        per_device_train_batch_size=recipe.micro_batch_size,
        bf16=precision.dtype(recipe.dtype) is torch.bfloat16,
        use_cpu=not torch.cuda.is_available(),
        save_strategy="no",
        report_to=[],
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        **job["defaults"],
    )
    columns = {name: [row[name] for row in rows] for name in ("input_ids", "labels")}
    SFTTrainer(
        model=model(job),
        processing_class=word_tokenizer(job["max_tokens"]),
        args=arguments,
        train_dataset=Dataset.from_dict(columns),
        callbacks=[clock],
    ).train()


def main() -> None:
    """Run the job of the JSON file named on the command line: its side, rows, recipe and model."""
    job = json.loads(Path(sys.argv[1]).read_text())
    clock = Clock()
    with TemporaryDirectory() as folder:
        work = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(folder)
        {"ours": ours, "theirs": theirs}[job["side"]](job["rows"], job, work, clock)
    steps = len(clock.ends) - 1  # the first warms up
    tokens = (
        sum(len(value) for row in job["rows"] for key, value in row.items() if key.endswith("_ids"))
        * steps
        / len(clock.ends)
    )
    wall, processor = (last - first for first, last in zip(clock.ends[0], clock.ends[-1], strict=True))
    rates = {"tokens_per_s": tokens / wall, "tokens_per_cpu_s": tokens / processor} if steps else {}
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if torch.cuda.is_available():
        peak = torch.cuda.max_memory_allocated()
    print(json.dumps({"peak_bytes": peak, "loss": clock.loss, "steps": steps, **rates}))


if __name__ == "__main__":
    main()
