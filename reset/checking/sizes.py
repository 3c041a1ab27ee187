"""What the systems and pools of params.yaml need, as `reset-lm plan` estimates it, of the models that were found."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

from reset.checking import machine
from reset.checking.bases import Files
from reset.checking.findings import Finding
from reset.errors import ResetError
from reset.model.tokens import load_tokenizer
from reset.params.document import Params
from reset.planning import model_size, plan, workload
from reset.training.recipe import loads_whole


def check(p: Params, found: Mapping[str, Files | None], others: Mapping[str, Files | None]) -> Iterator[Finding]:
    """Compare memory and disk with the plan; `found` are the language models from the hub, None if not found.

    `others` are the models from the hub that only judge.
    """
    loaded: dict[str, plan.Model | None] = {name: _model(files) if files else None for name, files in found.items()}
    with ExitStack() as nothing:
        models = plan.Models(p, nothing, loaded={**dict.fromkeys(p.base), **loaded})
        systems = {name: (models.of(row.init)[1], row) for name, row in p.systems.items()}
        answering = {name: models.of(row.model)[1] for name, row in p.pools.items()}
    rows = {n: plan.sizes(p, row, model, workload.Training()) for n, (model, row) in systems.items() if model}
    pools = {name: plan.memory_of_sampling(p, model) for name, model in answering.items() if model}
    gpus, copied = machine.devices(), {**found, **others}
    yield from machine.memory(p, _column(rows, "bytes_per_device"), pools, gpus)
    yield from machine.engine(p, {name: model.shape.parameters for name, model in answering.items() if model}, gpus)
    yield from machine.judging(_weights_of_judges(p, copied), gpus)
    whole = {name: row for name, row in rows.items() if _loads_whole(p.recipes[p.systems[name].recipe])}
    yield from machine.loading(p, _column(whole, "parameters"))
    trained = sum(_column(rows, "disk").values()) + max(_column(rows, "checkpoints").values(), default=0)
    yield from machine.disk(trained + sum(files.bytes for files in copied.values() if files), all(found.values()))


def _weights_of_judges(p: Params, copied: Mapping[str, Files | None]) -> dict[str, int]:
    """Return the bytes of the model of each judge and watcher, by its place in params.yaml."""
    judges = {f"{table}.{name}": row for table in ("judges", "watchers") for name, row in getattr(p, table).items()}
    models = {key: copied.get(row.model.removeprefix("base/")) for key, row in judges.items() if row.model}
    return {key: files.bytes for key, files in models.items() if files}


def _loads_whole(recipe: Any) -> bool:
    return bool(recipe.adapter) or loads_whole(recipe.zero_stage, recipe.method, padding_free=recipe.padding_free)


def _column(rows: Mapping[str, Mapping[str, Any]], name: str) -> dict[str, int]:
    return {system: int(row[name]) for system, row in rows.items()}


def _model(files: Files) -> plan.Model | None:
    """Return what a plan needs of a model; None if its files do not say it, which `models.check` reports."""
    try:
        return plan.Model(files.folder, model_size.shape(files.folder), load_tokenizer(files.folder))
    except (ResetError, ValueError, OSError, KeyError, AttributeError):
        return None
