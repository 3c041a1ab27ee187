"""A plan: before anything runs, what each system and pool of params.yaml will take, and what judging will cost.

Nothing is trained or sampled for it. What cannot be known yet is None, and a note says what would tell.
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
from reset.files import tables
from reset.model import precision
from reset.model.tokens import load_tokenizer
from reset.params.document import Params
from reset.params.training import System
from reset.planning import judge_costs, model_size, workload
from reset.planning.base_outline import outline


@dataclass(frozen=True)
class Rates:
    """Tokens a second of one device: trained, and written as answers; None where nobody has said or measured."""

    train: float | None
    sample: float | None


@dataclass(frozen=True)
class Model:
    """A starting model as far as a plan needs it."""

    folder: Path
    shape: model_size.Shape
    tokenizer: Any


@dataclass
class Models:
    """The starting models that systems and pools go back to, each looked at once; None where one cannot be had."""

    p: Params
    sketches: ExitStack
    notes: list[str] = field(default_factory=list)
    _seen: dict[str, Model | None] = field(default_factory=dict)

    def of(self, name: str) -> tuple[str, Model | None]:
        """The root of a system's line of starting models, by its name under `base`, and what is known of it."""
        while (system := checkpoint_names.system(name)) in self.p.systems:
            name = self.p.systems[system].init
        base = name.removeprefix("base/")
        if base not in self._seen:
            try:
                folder = self.sketches.enter_context(outline(base, self.p.base[base]))
                self._seen[base] = Model(folder, model_size.shape(folder), load_tokenizer(folder))
            except ResetError as error:
                self._seen[base] = None
                self.notes.append(error.message)
        return base, self._seen[base]


def systems(p: Params, models: Models, rates: Rates) -> list[dict[str, Any]]:
    """One row per system: parameters, bytes per device and on disk, rows, tokens, steps, device hours."""
    counted: dict[tuple[str, str], workload.Training] = {}
    found = []
    for name, system in p.systems.items():
        base, model = models.of(system.init)
        key = (base, system.data)
        if model and key not in counted:
            counted[key] = workload.training(p, system, model.tokenizer)
        load = counted[key] if model else workload.Training(basis="unknown: its starting model is not to be had")
        found.append({"system": name, **_sizes(p, system, model, load), **_work(p, system, load, rates)})
    return found


def _sizes(p: Params, system: System, model: Model | None, load: workload.Training) -> dict[str, Any]:
    recipe = p.recipes[system.recipe]
    dtype = precision.dtype(recipe.dtype)
    row = {"dtype": str(dtype).removeprefix("torch."), "zero_stage": recipe.zero_stage, "devices": p.train.processes}
    if model is None:
        return {"parameters": None, **row, "bytes_per_device": None, "disk": None, "checkpoints": None}
    held = model.shape.training(recipe, dtype, devices=p.train.processes, tokens=load.longest or p.train.max_tokens)
    return {
        "parameters": model.shape.parameters,
        **row,
        "bytes_per_device": held,
        "disk": (1 + len(system.keep)) * model.shape.disk(recipe.adapter, dtype),
        "checkpoints": model.shape.checkpoints(recipe.adapter, dtype),  # while it is trained
    }


def _work(p: Params, system: System, load: workload.Training, rates: Rates) -> dict[str, Any]:
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
    asked: dict[tuple[str, str], list[workload.Asked] | None] = {}
    found = []
    for name, pool in p.pools.items():
        base, model = models.of(pool.model)
        key = (base, pool.prompts)
        if model and key not in asked:
            asked[key] = workload.asked(p, pool.prompts, model.tokenizer)
        load = workload.answering(p, name, pool, asked.get(key))
        found.append(
            {
                "pool": name,
                "model": pool.model,
                "parameters": model.shape.parameters if model else None,
                "bytes_per_device": _answering_bytes(p, model) if model else None,
                "disk": _answers_bytes(name, load.answers),
                **asdict(load),
                "device_hours": _hours(load.tokens, rates.sample),
            }
        )
    return found


def _answering_bytes(p: Params, model: Model) -> int:
    """Weights and what must be kept of sequences: of a whole batch, or of one where the engine fills what there is."""
    options = p.sample.engines[p.sample.engine]
    dtype = precision.dtype(str(options.get("dtype") or options.get("options", {}).get("dtype", "auto")))
    tokens = p.sample.max_prompt_tokens + p.sample.max_tokens
    return model.shape.answering(dtype, sequences=int(options.get("batch", 1)), tokens=tokens)


def _answers_bytes(name: str, answers: int) -> int | None:
    """Bytes of the table of answers if they take what they took in the pool's last run."""
    path, metrics = workload.DATA / "answers" / f"{name}.parquet", Path(f"metrics/sample/{name}.json")
    if not (path.is_file() and metrics.is_file()):
        return None
    before = int(tables.read_json(metrics)["rows_in"])
    return round(path.stat().st_size * answers / max(before, 1))


def totals(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Sums over all rows, None where any is unknown; `checkpoints` is the largest, as one system trains at a time."""
    trained, answered, asked = plan["systems"], plan["pools"], plan["judges"]
    return {
        "disk": _sum([*trained, *answered], "disk"),
        "checkpoints": max((row["checkpoints"] or 0 for row in trained), default=0),
        "free_disk": shutil.disk_usage(".").free,
        "tokens_trained": _sum(trained, "tokens"),
        "tokens_answered": _sum(answered, "tokens"),
        "device_hours": _sum([*trained, *answered], "device_hours"),
        "requests": _sum(asked, "requests"),
        "usd": _sum(asked, "usd"),
    }


def _sum(rows: Sequence[Mapping[str, Any]], key: str) -> Any:
    values = [row[key] for row in rows]
    return None if None in values else sum(values)


def plan(p: Params, rates: Rates) -> dict[str, Any]:
    """The whole plan, ready for JSON: systems, pools, judges that cost, totals, notes on what is not known."""
    with ExitStack() as sketches:
        models = Models(p, sketches)
        found: dict[str, Any] = {
            "scale": p.scale,
            "systems": systems(p, models, rates),
            "pools": pools(p, models, rates),
        }
    found["judges"] = judge_costs.judges(p)
    found["totals"] = totals(found)
    notes = [*models.notes, *_warnings(found)]
    return {**found, "notes": notes}


def _warnings(found: Mapping[str, Any]) -> list[str]:
    figures, notes = found["totals"], []
    needed = (figures["disk"] or 0) + figures["checkpoints"]
    if needed > figures["free_disk"]:
        notes.append(f"{needed:,} bytes are needed at least, {figures['free_disk']:,} are free here")
    if any(row["rows"] is None for row in found["systems"]):
        notes.append("rows and tokens are unknown before the data are there; `dvc repro mix draw` brings them")
    return notes
