"""Paths in params.yaml that leave the repository, and a hostfile that is not there."""

from collections.abc import Iterator
from pathlib import Path

from reset.checking.findings import Finding, error, warning
from reset.params.document import Params


def check(p: Params) -> Iterator[Finding]:
    """Yield one line for all paths outside the repository, and one for a hostfile that is not there."""
    here = Path.cwd().resolve()
    outside = {
        key: path for key, path in _paths(p).items() if not Path(path).expanduser().resolve().is_relative_to(here)
    }
    if outside:
        places = ", ".join(dict.fromkeys(outside.values()))
        what = f"outside the repository: {places}; DVC notices when they change and keeps no copy"
        yield warning(", ".join(outside), what, "another machine needs them at the same place")
    if p.train.hostfile is not None and not Path(p.train.hostfile).is_file():
        yield error("train.hostfile", f"no file {p.train.hostfile} here", "one line per host: name slots=GPUs")


def _paths(p: Params) -> dict[str, str]:
    """Return the paths by their place in params.yaml."""
    found = {f"datasets.{name}.path": row.path for name, row in p.datasets.items() if row.path and row.hub is None}
    for table, rows in (("base", p.base), ("judges", p.judges), ("watchers", p.watchers)):
        found |= {f"{table}.{name}.needs": row.needs for name, row in rows.items()}
    return {**found, **({"train.hostfile": p.train.hostfile} if p.train.hostfile else {})}
