"""`dvc exp show` without flags: the scores that sum up a run, and the parameters that differ."""

import os
from pathlib import Path
from typing import Any


def show_few() -> None:
    """Let the table of `exp show` have few columns, unless a flag says which; `--drop '^$'` shows all."""
    from dvc.commands.experiments import show

    original = show.show_experiments

    def show_experiments(td: Any, headers: Any, keep: Any = (), drop: Any = (), **kwargs: Any) -> None:
        told = keep or drop or any(kwargs.get(flag) for flag in ("only_changed", "csv", "markdown"))
        if not told and os.path.isfile("params.yaml"):
            kwargs["only_changed"] = _leave_few(td, headers)
        original(td, headers, keep=keep, drop=drop, **kwargs)

    show.show_experiments = show_experiments


def _leave_few(td: Any, headers: Any) -> bool:
    """Leave the scores that sum up a run in DVC's table, under short titles; False if it has none, and is as it was."""
    from reset.evidence import few_columns
    from reset.files import fast_yaml

    try:
        titles = few_columns.titles(fast_yaml.load(Path("params.yaml").read_text(encoding="utf-8")), headers["metrics"])
    except (KeyError, TypeError):  # a params.yaml of another form
        return False
    if not titles:
        return False
    td.drop(*(column for kind in ("metrics", "deps") for column in headers.get(kind, ()) if column not in titles))
    titles = {column: title.replace(" ", "\n") for column, title in titles.items()}  # a word a line: narrow columns
    for column, title in titles.items():
        td.rename(column, title)
    td.protect("Experiment", "Created", *titles.values())
    headers.update(metrics=list(titles.values()), deps=[])
    return True
