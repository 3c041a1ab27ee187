"""A row of `judges` or `watchers` in params.yaml: the judge that it names, where that works, and what it hangs on."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from reset import registry
from reset.files.hashing import code_hash, file_hash
from reset.judges import Elsewhere, Judge
from reset.runs import cluster

MODELS = Path("models")


def settings(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with the hashes of what decides its verdicts: its code, its model and what else it needs."""
    files = {"model_hash": MODELS / row["model"] if row["model"] else None, "needs_hash": Path(row["needs"])}
    hashes = {key: file_hash(path) for key, path in files.items() if path and path.exists()}
    return {**row, **hashes, "code_hash": code_hash("judging", registry.code(registry.JUDGES, row["kind"], "judge"))}


def load(table: str, name: str, row: Mapping[str, Any], workers: Mapping[str, Any]) -> tuple[Judge, cluster.Spread]:
    """Construct the judge `name` of `table`; `workers` (`cluster` in params.yaml) say who does its work."""
    options = {"name": name, **row["options"]} | ({"model": str(MODELS / row["model"])} if row["model"] else {})
    kind, spread = row["kind"], cluster.spread(row["kind"], **workers)
    build = partial(registry.build, registry.JUDGES, kind, f"{table}.{name}.options", **options)
    if spread is cluster.here:
        return build(), spread
    return Elsewhere(registry.load(registry.JUDGES, kind, table).tasks, build), spread
