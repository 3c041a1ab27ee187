"""Build a source from its row of params.yaml; unknown or missing options are errors of one line."""

import inspect
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from reset import registry
from reset.errors import ResetError, nearest
from reset.sources import Source, Where

Row = TypeVar("Row")


def construct(name: str, options: Mapping[str, Any], *, key: str, max_passages: int | None = None) -> Source:
    """Construct the source called `name`; `key` is the place of its row in params.yaml, for messages.

    `max_passages` is passed to sources that limit their passages by default (NQ, BioASQ, SearchQA, MRQA, own), unless
    `options` sets it. Raises `ResetError` for a name or option that does not exist, and for a missing option.
    """
    where = f"{key.removeprefix('params.yaml: ')}.options"
    accepted = inspect.signature(registry.load(registry.SOURCES, name, "source")).parameters
    capped = "max_passages" in accepted and accepted["max_passages"].default is not None
    default = {"max_passages": max_passages} if capped and max_passages is not None else {}
    return cast(Source, registry.build(registry.SOURCES, name, where, **{**default, **options}))


def elsewhere(hub: Mapping[str, Any] | None) -> Where | None:
    """Return where a row's `hub` says that its records are; None if it has none, so that the source says it."""
    return None if hub is None else Where(**{("hub" if key == "id" else key): value for key, value in hub.items()})


def row_of(datasets: Mapping[str, Row], name: str) -> Row:
    """Return the row called `name` of the table `datasets` in params.yaml."""
    if name not in datasets:
        raise ResetError(f"Unknown data set '{name}' (params.yaml: datasets). {nearest(name, datasets)}")
    return datasets[name]
