"""What the tables of params.yaml say of one another: names that are there, rows that agree, nothing in a circle."""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from reset import checkpoint_names, registry
from reset.errors import nearest
from reset.model.prompts import TEMPLATES

if TYPE_CHECKING:  # `reset.params` calls this module
    from reset.params.document import Params
    from reset.params.training import System


TRAINS_ON = {  # method of a recipe -> the curated rows it takes
    "sft": ("best", "random"),
    "weighted_sft": ("weighted",),
    "dpo": ("pairs",),
    "kto": ("labelled",),
}


def problems(p: "Params") -> Iterator[str]:
    """Yield a line for each thing that one table says of another and that is not so."""
    for key, name, known in _named(p):
        if name not in known:
            yield f"{key} names '{name}', which there is not. {nearest(name, known)}"
    yield from _disagreements(p)
    yield from _circles(p)


def _named(p: "Params") -> list[tuple[str, str, Collection[str]]]:
    """Every name by which a table speaks of another: its key, the name, the names there are."""
    models = _models(p)
    data = [f"mixtures/{name}" for name in p.mixtures] + [f"curated/{name}" for name in p.curated]
    return [
        ("template", p.template, TEMPLATES),
        *((f"datasets.{n}.source", d.source, registry.SOURCES) for n, d in p.datasets.items()),
        *(
            (f"mixtures.{n}.parts", d, p.datasets)
            for n, m in p.mixtures.items()
            for part in m.parts.values()
            for d in part
        ),
        *(
            (f"mixtures.{n}.take", d, [d for part in m.parts.values() for d in part])
            for n, m in p.mixtures.items()
            for d in m.take
        ),
        *((f"prompts.{n}.rows", d, p.datasets) for n, q in p.prompts.items() for d in q.rows),
        *((f"base.{n}.kind", b.kind, registry.BASES) for n, b in p.base.items()),
        ("describe.model", p.describe.model, models),
        *((f"systems.{n}.init", s.init, models) for n, s in p.systems.items()),
        *((f"systems.{n}.data", s.data, data) for n, s in p.systems.items()),
        *((f"systems.{n}.dev", s.dev, p.mixtures) for n, s in p.systems.items()),
        *((f"systems.{n}.recipe", s.recipe, p.recipes) for n, s in p.systems.items()),
        *((f"pools.{n}.model", s.model, models) for n, s in p.pools.items()),
        *((f"pools.{n}.prompts", s.prompts, p.prompts) for n, s in p.pools.items()),
        *((f"pools.{n}.decode", s.decode, p.decode) for n, s in p.pools.items()),
        ("sample.engine", p.sample.engine, registry.ENGINES),
        ("sample.engine", p.sample.engine, p.sample.engines),
        *((f"judges.{n}.kind", j.kind, registry.JUDGES) for n, j in p.judges.items()),
        *((f"judges.{n}.model", j.model, models) for n, j in p.judges.items() if j.model is not None),
        *((f"watchers.{n}.kind", w.kind, registry.JUDGES) for n, w in p.watchers.items()),
        *((f"watchers.{n}.model", w.model, models) for n, w in p.watchers.items() if w.model is not None),
        *((f"curated.{n}.pool", c.pool, p.pools) for n, c in p.curated.items()),
        *((f"curated.{n}.prompts", c.prompts, p.prompts) for n, c in p.curated.items()),
        ("evaluate.prompts", p.evaluate.prompts, p.prompts),
        *(("evaluate.groups", name, p.datasets) for name in p.evaluate.groups),
        *(("evaluate.systems", name, p.pools) for name in p.evaluate.systems),
    ]


def _models(p: "Params") -> list[str]:
    """Every model that a row may name: the starting models, the systems and their checkpoints."""
    return [f"base/{name}" for name in p.base] + checkpoint_names.models({n: s.keep for n, s in p.systems.items()})


def _disagreements(p: "Params") -> Iterator[str]:
    """Rows that say the same thing twice, and differently."""
    for name, dataset in p.datasets.items():
        if dataset.path not in (None, dataset.needs):
            yield f"datasets.{name}.needs is '{dataset.needs}', must be its path '{dataset.path}'"
    models = _models(p)
    for table, rows in (("judges", p.judges), ("watchers", p.watchers)):
        for name, judge in rows.items():
            if judge.model in models and judge.needs != f"models/{judge.model}":
                yield f"{table}.{name}.needs is '{judge.needs}', must be its model 'models/{judge.model}'"
    yield from _adapters(p)
    evaluated = p.prompts[p.evaluate.prompts].rows if p.evaluate.prompts in p.prompts else {}
    for name in evaluated:
        if name in p.datasets and name not in p.evaluate.groups:
            yield f"evaluate.groups lacks '{name}', which is evaluated"
    of_pool = [(f"curated.{n}.prompts", c.prompts, c.pool) for n, c in p.curated.items()]
    of_pool += [("evaluate.prompts", p.evaluate.prompts, name) for name in p.evaluate.systems]
    for key, prompts, pool in of_pool:
        if pool in p.pools and p.pools[pool].prompts != prompts:
            yield f"{key} is '{prompts}', but pool '{pool}' answers '{p.pools[pool].prompts}'"
    yield from _wrong_data(p)


def _wrong_data(p: "Params") -> Iterator[str]:
    """Systems whose recipe trains on other rows than their data are."""
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


def _adapters(p: "Params") -> Iterator[str]:
    """Weights of 4 bits that are to be spread, and systems that do not fit the adapter which they start from."""
    for name, recipe in p.recipes.items():
        if recipe.adapter and recipe.adapter.quantise != "none" and recipe.zero_stage == 3:
            yield f"recipes.{name}.zero_stage is 3, which does not spread weights of 4 bits: take 2 at most"
    of = {name: p.recipes[s.recipe].adapter for name, s in p.systems.items() if s.recipe in p.recipes}
    for name, system in p.systems.items():
        mine, before = of.get(name), of.get(system.init)
        if mine is None or before is None or before.merge:
            continue
        shapes = [(one.rank, one.alpha, sorted(one.target_modules)) for one in (mine, before)]
        if not mine.merge and shapes[0] != shapes[1]:
            yield (
                f"recipes.{system.recipe}.adapter differs from that of '{system.init}', which systems.{name} trains on "
                "further: rank, alpha and target_modules must be the same, or merge: true"
            )
        if mine.merge and mine.quantise != "none":
            yield (
                f"recipes.{system.recipe}.adapter.quantise is '{mine.quantise}', but '{system.init}', where "
                f"systems.{name} starts, keeps its adapter apart: only whole weights can be quantised"
            )


def _circles(p: "Params") -> Iterator[str]:
    """Systems that would have to be trained before themselves."""
    before = {name: _needs(p, system) for name, system in p.systems.items()}
    for start in before:
        seen: set[str] = set()
        todo = [start]
        while todo:
            for name in before.get(todo.pop(), ()):
                if name == start:
                    yield f"systems.{start} is needed to train itself"
                    return
                if name not in seen:
                    seen.add(name)
                    todo.append(name)


def _needs(p: "Params", system: "System") -> list[str]:
    needed = [checkpoint_names.system(system.init)]
    kind, _, name = system.data.partition("/")
    if kind == "curated" and name in p.curated and p.curated[name].pool in p.pools:
        needed.append(checkpoint_names.system(p.pools[p.curated[name].pool].model))
    return needed
