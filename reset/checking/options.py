"""Options of plug-ins in params.yaml: unknown and missing keys, values of another type or out of range."""

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from reset import registry
from reset.checking.findings import Finding, at_its_key, error
from reset.engines import in_process
from reset.params.document import Params

PACKAGES = {"vllm": "vllm", "summac": "summac"}  # plug-in -> a package that it imports and that may not be installed
Row = tuple[str, Mapping[str, str], str, dict[Any, Any]]  # place of the options, table of plug-ins, name, options


def check(p: Params) -> Iterator[Finding]:
    """Yield a line for each problem with an option; a plug-in that cannot be imported here is left out."""
    for where, table, name, options in (*_data(p), *_models(p), *_judges(p)):
        package = PACKAGES.get(name)
        if package is None or find_spec(package):
            yield from (at_its_key(where, problem) for problem in registry.problems(table, name, where, **options))
        if name == "vllm" and isinstance(given := options.get("options"), Mapping):
            yield from _vllm(where, given)


def _vllm(where: str, given: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield a line for each engine argument that vLLM does not take; their names are known where it is installed."""
    from reset.engines.vllm import arguments

    for key, what in (arguments.problems if find_spec("vllm") else arguments.out_of_range)(given):
        yield error(f"{where}.options.{key}", what)


def _data(p: Params) -> Iterator[Row]:
    for name, row in p.datasets.items():
        yield f"datasets.{name}.options", registry.SOURCES, row.source, row.options


def _models(p: Params) -> Iterator[Row]:
    for name, row in p.base.items():
        given = {"needs": Path(row.needs), "seed": p.seed}
        yield f"base.{name}.options", registry.BASES, row.kind, {**given, **row.options}
    for name, options in p.sample.engines.items():
        if name == p.sample.engine or name not in PACKAGES:  # vLLM takes long to import
            yield f"sample.engines.{name}", registry.ENGINES, name, {"model": Path(), **options}


def _judges(p: Params) -> Iterator[Row]:
    for table, rows in (("judges", p.judges), ("watchers", p.watchers)):
        for name, row in rows.items():
            model = {} if row.model is None else {"model": row.model}
            yield f"{table}.{name}.options", registry.JUDGES, row.kind, {"name": name, **row.options, **model}
            if row.kind == "llm" and row.options.get("engine") in in_process.NAMES:
                settings = row.options.get("settings")
                if isinstance(settings, Mapping):
                    where = f"{table}.{name}.options.settings"
                    yield where, registry.ENGINES, row.options["engine"], {"model": Path(), **settings}
