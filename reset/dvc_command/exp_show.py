"""`dvc exp show` without flags: the scores that sum up a run, and the parameters that differ."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LONGEST = 10  # letters of a word in a title; the default line's table then has less than 120 columns


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
    titles = _narrow(titles)
    for column, title in titles.items():
        td.rename(column, title)
    td.protect("Experiment", "Created", *titles.values())
    headers.update(metrics=list(titles.values()), deps=[])
    return True


def _narrow(titles: Mapping[str, str]) -> dict[str, str]:
    """Return titles with a word a line, long words cut to eight letters unless two titles would then be the same."""
    lines = {column: title.split() for column, title in titles.items()}
    whole = {column: "\n".join(words) for column, words in lines.items()}
    short = {column: "\n".join(_abbreviated(word) for word in words) for column, words in lines.items()}
    return short if len(set(short.values())) == len(set(whole.values())) else whole


def _abbreviated(word: str) -> str:
    return (
        f"{word[: LONGEST - 2]}." if word.isalpha() and len(word) > LONGEST else word
    )  # a name like mtl_reset_2 is kept
