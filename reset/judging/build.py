"""Build a judge from its params.yaml row; hash its code, model and dependencies; open the store of its verdicts."""

import inspect
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from reset import registry
from reset.errors import ResetError
from reset.files.code import code_hash, imported
from reset.files.hashing import file_hash, fingerprint
from reset.judges import Judge, LazyJudge, Paid, chosen_tasks, prompt_path
from reset.judges.own_class import OwnJudge
from reset.runs import cluster
from reset.runs.store import Store

MODELS = Path("models")


def identity(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row with hashes of the judge's code, its model, prompt file and extra dependencies (`needs`).

    The file of a class of the user's own is among what it needs. Rows with the same identity give the same verdicts.
    Raises `ResetError` for an unknown kind.
    """
    files = _files(row)
    return {**row, **{key: file_hash(path) for key, path in files.items()}, "code_hash": _code_hash(row)}


def require_unchanged(name: str, identified: Mapping[str, Any]) -> None:
    """Raise `ResetError` if what was hashed as the identity of judge `name` has been edited since.

    Its verdicts would be kept as those of what was there before. Models are not hashed again: it takes long.
    """
    small = {key: path for key, path in _files(identified).items() if MODELS not in path.parents}
    edited = [str(path) for key, path in small.items() if file_hash(path) != identified.get(key)]
    if not edited and _code_hash(identified) != identified["code_hash"]:
        edited = ["its code"]
    if edited:
        raise ResetError(
            f"judges.{name}: {edited[0]} was edited after stage `identify` ran: run the same command again"
        )


def _files(row: Mapping[str, Any]) -> dict[str, Path]:
    """Return the files and folders besides code of this project that decide verdicts, as far as they are there."""
    files = {"model_hash": MODELS / row["model"] if row["model"] else None, "needs_hash": Path(row["needs"])}
    files["prompt_hash"] = _prompt(row["options"])
    if registry.is_own(row["kind"]):
        files["class_hash"] = _own(row["kind"])
    return {key: path for key, path in files.items() if path and path.exists()}


def _own(kind: str) -> Path:
    """Return the file of a class of the user's own; of one in an installed package, the package's folder."""
    file = Path(inspect.getfile(registry.own(kind)))
    package = Path(getattr(sys.modules[kind.partition(".")[0].partition(":")[0]], "__file__", None) or file)
    installed = Path.cwd() not in file.parents and package.name == "__init__.py"
    return package.parent if installed else file


def _code_hash(row: Mapping[str, Any]) -> str:
    if registry.is_own(row["kind"]):
        code = sorted(imported(Path(inspect.getfile(registry.own(row["kind"])))))
    else:
        code = [registry.module(registry.JUDGES, row["kind"], "judge")]
    return code_hash("reset.judging.build", "reset.judging.judge", *code)


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
    chosen = row["options"]
    tasks = plug_in.tasks_of(chosen) if hasattr(plug_in, "tasks_of") else chosen_tasks(chosen, plug_in.tasks)
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
