"""Plan a run: estimate the size and work of each system and pool of params.yaml, and the cost of judging.

Nothing is trained or sampled. A figure that is not known yet is None, and a note says which command makes it known.
"""

import math
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from reset import checkpoint_names
from reset.errors import ResetError
from reset.files import metrics
from reset.model import precision
from reset.model.tokens import load_tokenizer
from reset.params.document import Params
from reset.params.training import System
from reset.planning import assumed, judge_costs, model_size, nli_work, workload
from reset.planning.base_outline import outline


@dataclass(frozen=True)
class Rates:
    """Throughput of one device: tokens per second, None if unknown; `nli` is in TFLOP/s."""

    train: float | None
    sample: float | None  # generated tokens
    nli: float = 100.0


@dataclass(frozen=True)
class Model:
    """What a plan needs of a starting model."""

    folder: Path
    shape: model_size.Shape
    tokenizer: Any


@dataclass
class Models:
    """The starting models of all systems and pools, each loaded once."""

    p: Params
    outlines: ExitStack  # closes the temporary folders of `outline`
    notes: list[str] = field(default_factory=list)  # why models are not available
    loaded: dict[str, Model | None] = field(default_factory=dict)  # by name; others are loaded when asked for
    offline: bool = False  # whether models are looked for in the hub's cache alone

    def of(self, name: str) -> tuple[str, Model | None]:
        """Follow `init` from the model `name` back to its base model; return the name under `base`, and the model.

        The model is None if it is not available.
        """
        inits = {name: row.init for table in (self.p.systems, self.p.interpolated) for name, row in table.items()}
        while (system := checkpoint_names.system(name)) in inits:
            name = inits[system]
        base = name.removeprefix("base/")
        if base not in self.loaded:
            try:
                folder = self.outlines.enter_context(outline(base, self.p.base[base], offline=self.offline))
                self.loaded[base] = Model(folder, model_size.shape(folder), load_tokenizer(folder))
            except ResetError as error:
                self.loaded[base] = None
                self.notes.append(error.message)
        return base, self.loaded[base]


def systems(p: Params, models: Models, rates: Rates) -> list[dict[str, Any]]:
    """One row per system: parameters, bytes per device and on disk, rows, tokens, steps, device hours."""
    counted: dict[tuple[str, str], workload.Training] = {}  # (base model, data) -> counts
    rows = []
    for name, system in p.systems.items():
        base, model = models.of(system.init)
        key = (base, system.data)
        if model and key not in counted:
            counted[key] = workload.training(p, system, model.tokenizer)
        load = counted[key] if model else workload.Training(basis="unknown: its starting model is not available")
        rows.append({"system": name, **sizes(p, system, model, load), **_training_work(p, system, load, rates)})
    return rows + [_mean(name, models.of(row.init)[1], rates) for name, row in p.interpolated.items()]


def _mean(name: str, model: Model | None, rates: Rates) -> dict[str, Any]:
    """One row for a system that is the mean of two: nothing is trained, and written in the dtype of the first model."""
    disk = model.shape.disk(None, precision.dtype("float32")) if model else None
    nothing = {"rows": 0, "tokens_per_epoch": 0, "tokens": 0, "steps": 0, "device_hours": _hours(0, rates.train)}
    return {
        "system": name,
        "parameters": model.shape.parameters if model else None,
        "dtype": "float32",
        "zero_stage": 0,
        "devices": 0,
        "bytes_per_device": 0,
        "disk": disk,
        "checkpoints": 0,
        **nothing,
        "basis": "the mean of two models; at most, if they are saved in float32",
    }


def sizes(p: Params, system: System, model: Model | None, load: workload.Training) -> dict[str, Any]:
    """Return parameters, bytes per device and bytes on disk of a system; None where `model` is None."""
    recipe = p.recipes[system.recipe]
    dtype = precision.dtype(recipe.dtype)
    row = {"dtype": str(dtype).removeprefix("torch."), "zero_stage": recipe.zero_stage, "devices": p.train.processes}
    if model is None:
        return {"parameters": None, **row, "bytes_per_device": None, "disk": None, "checkpoints": None}
    tokens = load.longest or p.train.max_tokens
    return {
        "parameters": model.shape.parameters,
        **row,
        "bytes_per_device": model.shape.training(recipe, dtype, devices=p.train.processes, tokens=tokens),
        "disk": (1 + len(system.keep)) * model.shape.disk(recipe.adapter, dtype),
        "checkpoints": model.shape.checkpoints(recipe.adapter, dtype),  # only during training
    }


def _training_work(p: Params, system: System, load: workload.Training, rates: Rates) -> dict[str, Any]:
    recipe = p.recipes[system.recipe]
    known = load.rows is not None and load.tokens is not None
    tokens = round((load.tokens or 0) * recipe.epochs) if known else None
    steps = math.ceil(math.ceil((load.rows or 0) / recipe.batch_size) * recipe.epochs) if known else None
    return {
        "rows": load.rows,
        "tokens_per_epoch": load.tokens,
        "tokens": tokens,
        "steps": steps,
        "device_hours": _hours(tokens, rates.train),
        "basis": load.basis,
    }


def _hours(tokens: int | None, rate: float | None) -> float | None:
    return None if tokens is None or rate is None else tokens / rate / 3600.0


def pools(p: Params, models: Models, rates: Rates) -> list[dict[str, Any]]:
    """One row per pool: parameters, bytes per device and on disk, answers, tokens, device hours."""
    asked: dict[tuple[str, str], list[workload.Asked] | None] = {}  # (base model, row of prompts) -> prompts
    rows = []
    for name, pool in p.pools.items():
        base, model = models.of(pool.model)
        key = (base, pool.prompts)
        if model and key not in asked:
            asked[key] = workload.asked(p, pool.prompts, model.tokenizer)
        load = workload.answering(p, name, pool, asked.get(key))
        rows.append(
            {
                "pool": name,
                "model": pool.model,
                "parameters": model.shape.parameters if model else None,
                "bytes_per_device": memory_of_sampling(p, model) if model else None,
                "disk": _table_size(p, name, load.answers),
                **asdict(load),
                "device_hours": _hours(load.tokens, rates.sample),
            }
        )
    return rows


def memory_of_sampling(p: Params, model: Model) -> int:
    """Bytes of the weights and of one batch, or of one sequence if the engine has no fixed batch."""
    options = p.sample.engines[p.sample.engine]
    dtype = precision.dtype(str(options.get("dtype") or options.get("options", {}).get("dtype", "auto")))
    return model.shape.answering(
        dtype,
        sequences=int(options.get("batch", 1)),
        prompt_tokens=p.sample.max_prompt_tokens,
        answer_tokens=p.sample.max_tokens,
    )


def _table_size(p: Params, name: str, answers: int) -> int | None:
    """Bytes of the pool's table with `answers` rows, estimated from its last run; None if there was none."""
    path = workload.DATA / "answers" / f"{name}.parquet"
    former = metrics.read(Path(f"metrics/sample/{name}.json"), p.scale)
    if not (path.is_file() and former):
        return None
    return round(path.stat().st_size * answers / max(int(former["rows_in"]), 1))


def totals(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Sums over all rows; None if any is unknown. `checkpoints` is the maximum, as one system trains at a time."""
    systems, pools, judges = plan["systems"], plan["pools"], plan["judges"]
    return {
        "disk": _sum([*systems, *pools], "disk"),
        "checkpoints": max((row["checkpoints"] or 0 for row in systems), default=0),
        "free_disk": shutil.disk_usage(".").free,
        "tokens_trained": _sum(systems, "tokens"),
        "tokens_answered": _sum(pools, "tokens"),
        "device_hours": _sum([*systems, *pools], "device_hours"),
        "requests": _sum(judges, "requests"),
        "usd": _sum(judges, "usd"),
        "pairs": _sum(plan["pairs"], "pairs"),
        "nli_device_hours": _sum(plan["pairs"], "device_hours"),
    }


def _sum(rows: Sequence[Mapping[str, Any]], key: str) -> Any:
    values = [row[key] for row in rows]
    return None if None in values else sum(values)


def plan(p: Params, rates: Rates, *, offline: bool = False) -> dict[str, Any]:
    """Return the whole plan, ready for JSON: systems, pools, judges that ask a server or compare sentences, totals.

    With `offline`, configurations of models are taken from the hub's cache alone.
    """
    with ExitStack() as outlines:
        models = Models(p, outlines, offline=offline)
        content: dict[str, Any] = {
            "scale": p.scale,
            "systems": systems(p, models, rates),
            "pools": pools(p, models, rates),
        }
    content["judges"] = judge_costs.judges(p)
    content["pairs"] = nli_work.judges(p, rates.nli, models.notes, offline=offline)
    content["totals"], content["assumed"] = totals(content), assumed.whole(p)
    notes = [*dict.fromkeys(models.notes), *_warnings(content)]
    if content["pairs"]:
        notes.append(f"pairs of sentences: at an assumed {rates.nli:g} TFLOP/s per device (--nli-tflop-per-s)")
    return {**content, "notes": notes}


def _warnings(plan: Mapping[str, Any]) -> list[str]:
    sums, notes = plan["totals"], []
    needed = (sums["disk"] or 0) + sums["checkpoints"]
    if needed > sums["free_disk"]:
        notes.append(f"at least {needed:,} bytes of disk are needed, {sums['free_disk']:,} are free here")
    if any(row["rows"] is None for row in plan["systems"]):
        notes.append("rows and tokens are unknown until the data exist; `dvc repro mix draw` makes them")
    return notes
