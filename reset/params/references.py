"""Check the tables of params.yaml against each other: names exist, rows agree, no system depends on itself."""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from reset import checkpoint_names, registry
from reset.errors import nearest
from reset.model.prompts import CHAT, TEMPLATES
from reset.params import judged, lacking, own_classes

if TYPE_CHECKING:  # `reset.params` imports this module
    from reset.params.document import Params
    from reset.params.training import System

Reference = tuple[str, str, str, Collection[str]]  # key, noun for what it names, name, all known names

TABLES = (  # whose rows' names become names of stages and files
    *("datasets", "mixtures", "prompts", "base", "recipes", "systems", "interpolated", "decode", "pools"),
    *("judges", "watchers", "curated", "objectives"),
)
TRAINS_ON = {  # method of a recipe -> `pick` of the curated rows that it trains on
    "sft": ("best", "random", "best_overall"),
    "weighted_sft": ("weighted",),
    "dpo": ("pairs",),
    "kto": ("labelled",),
}


def problems(p: "Params") -> Iterator[str]:
    """Yield one line for each unknown name and each contradiction between tables."""
    for key, noun, name, known in [*_data_references(p), *_model_references(p), *_answer_references(p)]:
        if name not in known:
            yield f"{key}: no {noun} '{name}'. {nearest(name, known)}"
    yield from _row_names(p)
    yield from _contradictions(p)
    yield from judged.problems(p)
    yield from _cycles(p)


def _row_names(p: "Params") -> Iterator[str]:
    """Yield a line for each row whose name is no name of a file, or that DVC takes for a path of keys."""
    for table in TABLES:
        for name in getattr(p, table):
            if not re.fullmatch(r"[\w-]+", name):
                yield f"{table}: a row's name has only letters, digits, _ and -, not '{name}'"


def _data_references(p: "Params") -> Iterator[Reference]:
    """References in the sections on data."""
    yield "template", "template", p.template, TEMPLATES
    for name, dataset in p.datasets.items():
        yield f"datasets.{name}.source", "source", dataset.source, registry.SOURCES
    datasets_of = {name: [d for part in mixture.parts.values() for d in part] for name, mixture in p.mixtures.items()}
    for name, members in datasets_of.items():
        yield from ((f"mixtures.{name}.parts", "data set", member, p.datasets) for member in members)
    for name, members in datasets_of.items():
        for member in p.mixtures[name].take:
            yield f"mixtures.{name}.take", "member", member, members
    for name, prompts in p.prompts.items():
        yield from ((f"prompts.{name}.rows", "data set", member, p.datasets) for member in prompts.rows)


def _model_references(p: "Params") -> Iterator[Reference]:
    """References in the sections on training."""
    models = _models(p)
    data = [f"mixtures/{name}" for name in p.mixtures] + [f"curated/{name}" for name in p.curated]
    systems = p.systems.items()
    yield from ((f"base.{n}.kind", "kind of base model", base.kind, registry.BASES) for n, base in p.base.items())
    yield "describe.model", "model", p.describe.model, models
    yield from ((f"systems.{n}.init", "model", system.init, models) for n, system in systems)
    for name, row in p.interpolated.items():
        yield from ((f"interpolated.{name}.{key}", "model", getattr(row, key), models) for key in ("init", "other"))
    yield from ((f"systems.{n}.data", "training data", system.data, data) for n, system in systems)
    yield from ((f"systems.{n}.dev", "mixture", system.dev, p.mixtures) for n, system in systems)
    yield from ((f"systems.{n}.recipe", "recipe", system.recipe, p.recipes) for n, system in systems)


def _answer_references(p: "Params") -> Iterator[Reference]:
    """References in the sections on answers and their evaluation."""
    models, pools, curated = _models(p), p.pools.items(), p.curated.items()
    yield from ((f"pools.{n}.model", "model", pool.model, models) for n, pool in pools)
    yield from ((f"pools.{n}.prompts", "row of prompts", pool.prompts, p.prompts) for n, pool in pools)
    yield from ((f"pools.{n}.decode", "decode grid", pool.decode, p.decode) for n, pool in pools)
    yield "sample.engine", "engine", p.sample.engine, registry.ENGINES
    yield from (("sample.engines", "engine", name, registry.ENGINES) for name in p.sample.engines)
    yield "sample.engine", "row of sample.engines", p.sample.engine, p.sample.engines
    for table, judges in (("judges", p.judges), ("watchers", p.watchers)):
        kinds = ((n, j.kind) for n, j in judges.items() if not registry.is_own(j.kind))
        yield from ((f"{table}.{n}.kind", "kind of judge", kind, registry.JUDGES) for n, kind in kinds)
        yield from ((f"{table}.{n}.model", "model", j.model, models) for n, j in judges.items() if j.model is not None)
    yield from ((f"curated.{n}.pool", "pool", row.pool, p.pools) for n, row in curated)
    yield from ((f"curated.{n}.prompts", "row of prompts", row.prompts, p.prompts) for n, row in curated)
    yield "evaluate.prompts", "row of prompts", p.evaluate.prompts, p.prompts
    yield from (("evaluate.groups", "data set", name, p.datasets) for name in p.evaluate.groups)
    yield from (("evaluate.systems", "pool", name, p.pools) for name in p.evaluate.systems)
    yield from (("ability.systems", "evaluated pool", name, p.evaluate.systems) for name in p.ability.systems)
    yield from (("stand_ins", "judge or watcher", name, [*p.judges, *p.watchers]) for name in p.stand_ins)
    yield from (("report.tradeoff", "objective", name, p.objectives) for name in p.report.tradeoff)
    yield from (("report.comparisons", "pool", name, p.pools) for pair in p.report.comparisons for name in pair)
    yield from (("report.pipelines", "pool", name, p.pools) for pair in p.report.pipelines.values() for name in pair)
    yield from (("report.paper_rows", "pool", name, p.pools) for name in p.report.paper_rows)


def _models(p: "Params") -> list[str]:
    """All models that a row may name: the starting models, the systems and their checkpoints."""
    trained = checkpoint_names.models({n: s.keep for n, s in p.systems.items()})
    return [f"base/{name}" for name in p.base] + trained + [*p.interpolated]


def _contradictions(p: "Params") -> Iterator[str]:
    """Yield a line for each pair of values that must agree but do not."""
    for name, dataset in p.datasets.items():
        if dataset.path not in (None, dataset.needs):
            yield f"datasets.{name}.needs is '{dataset.needs}', must be its path '{dataset.path}'"
    models = _models(p)
    for table, rows in (("judges", p.judges), ("watchers", p.watchers)):
        for name, judge in rows.items():
            if judge.model in models and judge.needs != f"models/{judge.model}":
                yield f"{table}.{name}.needs is '{judge.needs}', must be its model 'models/{judge.model}'"
    yield from own_classes.problems(p)
    if p.template != CHAT and (p.template_options.system is not None or p.template_options.arguments):
        yield f"template_options are read for template '{CHAT}' alone, but template is '{p.template}'; leave them empty"
    yield from _adapter_problems(p)
    yield from lacking.problems(p)
    yield from _batches(p)
    yield from _pairs(p)
    evaluated = p.prompts[p.evaluate.prompts].rows if p.evaluate.prompts in p.prompts else {}
    for name in evaluated:
        if name in p.datasets and name not in p.evaluate.groups:
            yield f"evaluate.groups lacks '{name}', which is evaluated"
    prompts_of_pools = [(f"curated.{n}.prompts", c.prompts, c.pool) for n, c in p.curated.items()]
    prompts_of_pools += [("evaluate.prompts", p.evaluate.prompts, name) for name in p.evaluate.systems]
    for key, prompts, pool in prompts_of_pools:
        if pool in p.pools and p.pools[pool].prompts != prompts:
            yield f"{key} is '{prompts}', but pool '{pool}' answers '{p.pools[pool].prompts}'"
    yield from _competing(p)
    yield from _ability(p)
    yield from _unfit_data(p)
    yield from _cannot_be_averaged(p)


def _batches(p: "Params") -> Iterator[str]:
    """Yield a line for each recipe whose batches are no whole number of passes; a hostfile's ranks are not counted.

    `reset.training.recipe.accumulation` has the same rule for the ranks that there are.
    """
    ranks, times = (1, "") if p.train.hostfile else (p.train.processes, " times train.processes")
    for name, recipe in p.recipes.items():
        if recipe.batch_size % (passed := recipe.micro_batch_size * ranks):
            must = f"must be a multiple of {passed}: micro_batch_size{times}"
            yield f"recipes.{name}.batch_size is {recipe.batch_size}, {must}"


def _pairs(p: "Params") -> Iterator[str]:
    """Yield a line for each system that is evaluated twice or compared with itself."""
    for system, count in Counter(p.evaluate.systems).items():
        if count > 1:
            yield f"evaluate.systems names '{system}' twice"
    for system, against in p.report.comparisons:
        if system == against:
            yield f"report.comparisons has '{system}' against itself"


def _competing(p: "Params") -> Iterator[str]:
    """Yield a line for each row of `curated` that lets compete what its pool lacks, and for references of no use."""
    for name, row in p.curated.items():
        if (pool := p.pools.get(row.pool)) is None:
            continue
        if row.sweeps > pool.sweeps:
            yield f"curated.{name}.sweeps is {row.sweeps}, must be at most the {pool.sweeps} of pool '{row.pool}'"
        if row.gold and not pool.gold:
            yield f"curated.{name}.gold is true, but pools.{row.pool}.gold is false: the pool must have the references"
    for name, pool in p.pools.items():
        if pool.gold and name in p.evaluate.systems:
            yield f"pools.{name}.gold is true, but the pool is evaluated (evaluate.systems): must be false"
        elif pool.gold and not any(row.gold for row in p.curated.values() if row.pool == name):
            yield (
                f"pools.{name}.gold is true, but in no row of curated does the reference compete, so that judges would "
                "rate it for nothing: set gold: true in such a row, or false in the pool"
            )


def _ability(p: "Params") -> Iterator[str]:
    """Yield a line for each measured system that is not the model of its pool, and if there are no tasks."""
    for name, model in p.ability.systems.items():
        if name in p.pools and p.pools[name].model != model:
            yield f"ability.systems.{name} is '{model}', must be the model of pools.{name}, '{p.pools[name].model}'"
    if p.ability.systems and not p.ability.tasks:
        yield "ability.tasks is empty, but ability.systems names systems to measure: name tasks of lm_eval"


def _unfit_data(p: "Params") -> Iterator[str]:
    """Yield a line for each system whose recipe cannot train on its data."""
    for name, system in p.systems.items():
        kind, _, table = system.data.partition("/")
        if system.recipe not in p.recipes or (kind == "curated" and table not in p.curated):
            continue
        method = p.recipes[system.recipe].method
        pick = p.curated[table].pick if kind == "curated" else None
        if pick not in TRAINS_ON[method] and not (pick is None and method == "sft"):
            yield (
                f"systems.{name}: recipe '{system.recipe}' is {method}, which needs curated rows with pick: "
                f"{' or '.join(TRAINS_ON[method])}, but '{system.data}' {f'has pick: {pick}' if pick else 'has none'}"
            )


def _cannot_be_averaged(p: "Params") -> Iterator[str]:
    """Yield a line for each mean of a model with itself or with an adapter kept apart, or with a system's name."""
    for name, row in p.interpolated.items():
        if name in p.systems:
            yield f"interpolated.{name}: systems has a row of this name too: name it otherwise"
        if row.init == row.other:
            yield f"interpolated.{name}.other is '{row.other}', as its init: the mean would be that model"
        for key, model in (("init", row.init), ("other", row.other)):
            system = p.systems.get(checkpoint_names.system(model))
            recipe = p.recipes.get(system.recipe) if system else None
            if recipe and recipe.adapter and not recipe.adapter.merge:
                yield f"interpolated.{name}.{key}: '{model}' keeps its adapter apart; set adapter.merge of its recipe"


def _adapter_problems(p: "Params") -> Iterator[str]:
    """Yield a line for 4-bit weights under ZeRO-3, and for adapters that do not fit the starting model's adapter."""
    for name, recipe in p.recipes.items():
        if recipe.adapter and recipe.adapter.quantise != "none" and recipe.zero_stage == 3:
            yield f"recipes.{name}.zero_stage is 3, but ZeRO-3 cannot partition 4-bit weights: use 2 at most"
    adapters = {name: p.recipes[s.recipe].adapter for name, s in p.systems.items() if s.recipe in p.recipes}
    for name, system in p.systems.items():
        adapter, start = adapters.get(name), adapters.get(system.init)
        if adapter is None or start is None or start.merge:
            continue
        shape, start_shape = ((a.rank, a.alpha, sorted(a.target_modules)) for a in (adapter, start))
        if not adapter.merge and shape != start_shape:
            yield (
                f"recipes.{system.recipe}.adapter differs from that of '{system.init}', from which systems.{name} "
                "starts: rank, alpha and target_modules must be the same, or merge: true"
            )
        if adapter.merge and adapter.quantise != "none":
            yield (
                f"recipes.{system.recipe}.adapter.quantise is '{adapter.quantise}', but systems.{name} starts from "
                f"'{system.init}', whose adapter is not merged: only merged weights can be quantised"
            )


def _cycles(p: "Params") -> Iterator[str]:
    """Yield a line for a system that depends on itself; only the first such system is reported."""
    dependencies = {name: _dependencies(p, system) for name, system in p.systems.items()}
    dependencies |= {n: [*map(checkpoint_names.system, (row.init, row.other))] for n, row in p.interpolated.items()}
    for start in dependencies:
        seen: set[str] = set()
        todo = [start]
        while todo:
            for name in dependencies.get(todo.pop(), ()):
                if name == start:
                    yield f"{'systems' if start in p.systems else 'interpolated'}.{start} depends on itself"
                    return
                if name not in seen:
                    seen.add(name)
                    todo.append(name)


def _dependencies(p: "Params", system: "System") -> list[str]:
    """The models that must exist before `system` can be trained: its starting model, and its pool's model."""
    models = [checkpoint_names.system(system.init)]
    kind, _, name = system.data.partition("/")
    if kind == "curated" and name in p.curated and p.curated[name].pool in p.pools:
        models.append(checkpoint_names.system(p.pools[p.curated[name].pool].model))
    return models
