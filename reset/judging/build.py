"""Build a judge from its params.yaml row; hash its code, model and dependencies; open the store of its verdicts."""

import inspect
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from reset import registry
from reset.files.code import code_hash, imported
from reset.files.hashing import file_hash, fingerprint
from reset.judges import Judge, LazyJudge, Paid, prompt_path
from reset.judges.own_class import OwnJudge
from reset.runs import cluster
from reset.runs.store import Store

MODELS = Path("models")


def identity(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row with hashes of the judge's code, its model, prompt file and extra dependencies (`needs`).

    The file of a class of the user's own is among what it needs. Rows with the same identity give the same verdicts.
    Raises `ResetError` for an unknown kind.
    """
    files = {"model_hash": MODELS / row["model"] if row["model"] else None, "needs_hash": Path(row["needs"])}
    files["prompt_hash"] = _prompt(row["options"])
    if registry.is_own(row["kind"]):
        own = Path(inspect.getfile(registry.own(row["kind"])))
        files["class_hash"], code = own, sorted(imported(own))
    else:
        code = [registry.module(registry.JUDGES, row["kind"], "judge")]
    hashes = {key: file_hash(path) for key, path in files.items() if path and path.exists()}
    return {**row, **hashes, "code_hash": code_hash("reset.judging.build", "reset.judging.judge", *code)}


def _prompt(options: Mapping[str, Any]) -> Path | None:
    return prompt_path(options["prompt"]) if isinstance(options.get("prompt"), str) else None


def load(table: str, name: str, row: Mapping[str, Any], workers: Mapping[str, Any]) -> tuple[Judge, cluster.Spread]:
    """Build the judge `name` of `table`; `workers` (`cluster` in params.yaml) decide where it runs."""
    options = {"name": name, **row["options"]} | ({"model": str(MODELS / row["model"])} if row["model"] else {})
    kind, spread = row["kind"], cluster.spread(row["kind"], **workers)
    build = partial(registry.build, registry.JUDGES, kind, f"{table}.{name}.options", **options)
    if registry.is_own(kind):
        return OwnJudge(f"{table}.{name}", name, registry.own(kind), build), spread
    if kind not in cluster.LOAD_MODEL:
        return build(), spread
    plug_in = registry.load(registry.JUDGES, kind, table)
    tasks = plug_in.tasks_of(row["options"]) if hasattr(plug_in, "tasks_of") else plug_in.tasks
    return LazyJudge(tasks, build), spread


def store(root: Path, by: Judge, name: str, identified: Mapping[str, Any], max_gb: float) -> Store:
    """Return the store of the verdicts of `by`, whose row and hashes are `identified` (`identity`).

    It keeps nothing of a judge that is paid, whose replies are in the ledger, and of one that compares answers.
    """
    kind = registry.load(registry.JUDGES, identified["kind"], "judge")
    apart = isinstance(by, Paid) or getattr(kind, "compares_answers", False)
    mark = fingerprint(judge=name, identity=identified, dtype=_auto_dtype(identified["kind"]))
    return Store(root, "verdicts", mark, 0.0 if apart else max_gb)


def _auto_dtype(kind: str) -> str | None:
    """Return what the dtype `auto` is on this machine; None for a judge without a model."""
    if kind not in cluster.LOAD_MODEL:
        return None
    from reset.model import precision  # torch: a judge with a model loads it anyway

    return str(precision.dtype("auto"))
