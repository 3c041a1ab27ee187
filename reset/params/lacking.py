"""Check params.yaml for what would be empty: tables without a row, data sets without the split that is asked of them.

Only rows of `datasets` with `hub` say here which splits they have: each record then has the split of its file, and
`dev_from_train` makes dev of train. Other splits depend on the records, or on a source's own location.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `reset.params` imports this module
    from reset.params.data import Dataset, OnHub
    from reset.params.document import Params


def problems(p: "Params") -> Iterator[str]:
    """Yield one line for each table that is empty, and for each split that cannot have an example."""
    yield from _empty(p)
    yield from _prompts_without_rows(p)
    yield from _parts_without_rows(p)
    for name, dataset in p.datasets.items():
        for split in dataset.hub.take if dataset.hub else ():
            if dataset.hub and split not in dataset.hub.splits:
                yield f"datasets.{name}.hub.take has '{split}', which hub.splits lacks"


def _empty(p: "Params") -> Iterator[str]:
    """Yield a line for each table that names nothing."""
    for name, mixture in p.mixtures.items():
        for part, members in mixture.parts.items():
            if not members:
                yield f"mixtures.{name}.parts.{part} is empty, must name a data set"
        if not mixture.parts:
            yield f"mixtures.{name}.parts is empty, must name a data set"
    for name, prompts in p.prompts.items():
        if not prompts.rows:
            yield f"prompts.{name}.rows is empty, must name a data set and how many of its rows"


def _prompts_without_rows(p: "Params") -> Iterator[str]:
    """Yield a line for each data set that has none of the prompts that are drawn from it."""
    for name, prompts in p.prompts.items():
        for member in prompts.rows:
            if not _may_have(p, member, prompts.split):
                yield f"prompts.{name}.rows has '{member}', but datasets.{member}.hub.splits lacks '{prompts.split}'"


def _parts_without_rows(p: "Params") -> Iterator[str]:
    """Yield a line for each part of a mixture whose data sets all have no training rows."""
    for name, mixture in p.mixtures.items():
        for part, members in mixture.parts.items():
            if members and not any(_may_have(p, member, "train") for member in members):
                lack = ", ".join(f"datasets.{member}.hub.splits" for member in members)
                yield f"mixtures.{name}.parts.{part} has no row to train on: {lack} lacks 'train'"


def _may_have(p: "Params", name: str, split: str) -> bool:
    """Whether the data set `name` can have examples of `split`, as far as its row says."""
    dataset = p.datasets.get(name)
    if dataset is None or dataset.hub is None or dataset.path is not None:
        return True
    return split in _splits(dataset, dataset.hub)


def _splits(dataset: "Dataset", hub: "OnHub") -> set[str]:
    drawn = {"dev"} if dataset.dev_from_train and "train" in hub.splits else set[str]()
    return {*hub.splits, *drawn}
