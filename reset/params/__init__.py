"""params.yaml as typed, frozen models: every key known, every table checked against the others.

The models carry no defaults, because DVC versions only what the file says. They stop at the stages: library functions
take plain arguments. All problems of a file are reported together, each with its key and the nearest known name.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from reset.errors import ResetError, nearest
from reset.params import references, wording
from reset.params.document import Params

FILE = Path("params.yaml")


def load(path: Path = FILE) -> Params:
    """Read and check `path`.

    Raises `ResetError` naming every problem of the file at once.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ResetError(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ResetError(f"{path}: not YAML ({' '.join(str(error).split())})") from error
    try:
        params = Params.model_validate(content)
    except ValidationError as error:
        raise _failure(path, [wording.said(item, Params) for item in error.errors()]) from error
    problems = list(references.problems(params))
    if problems:
        raise _failure(path, problems)
    return params


def row(table: Mapping[str, Any], name: str, section: str) -> Any:
    """The row `name` of a table of params.yaml, or a `ResetError` that says which there are."""
    if name not in table:
        raise ResetError(f"Unknown {section} '{name}' ({FILE}: {section}). {nearest(name, table)}")
    return table[name]


def _failure(path: Path, problems: list[str]) -> ResetError:
    return ResetError(f"{path}: " + "; ".join(problems))
