"""Build a source from its row of params.yaml, with unknown or missing options told in one line."""

import inspect
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from reset import registry
from reset.errors import ResetError, nearest
from reset.sources import Source

Row = TypeVar("Row")


def construct(name: str, options: Mapping[str, Any], *, key: str, max_passages: int | None = None) -> Source:
    """Construct the source called `name`; `key` says in errors where its row stands.

    `max_passages` is for the sources that cap their passages by default (NQ, BioASQ, SearchQA); `options` goes first.
    Raises `ResetError` for a name or option that does not exist.
    """
    build = registry.load(registry.SOURCES, name, "source")
    known = inspect.signature(build).parameters
    for option in options:
        if option not in known:
            raise ResetError(f"Unknown option '{option}' of source '{name}' ({key}.options). {nearest(option, known)}")
    missing = [option for option, kind in known.items() if kind.default is kind.empty and option not in options]
    if missing:
        raise ResetError(f"Source '{name}' needs the options {', '.join(missing)} ({key}.options)")
    capped = "max_passages" in known and known["max_passages"].default is not None
    default = {"max_passages": max_passages} if capped and max_passages is not None else {}
    return cast(Source, build(**{**default, **options}))


def row_of(datasets: Mapping[str, Row], name: str) -> Row:
    """Return the row of params.yaml's table `datasets` called `name`."""
    if name not in datasets:
        raise ResetError(f"Unknown data set '{name}' (params.yaml: datasets). {nearest(name, datasets)}")
    return datasets[name]
