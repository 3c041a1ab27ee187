"""params.yaml as typed, frozen models: unknown keys are errors, and references between tables are checked.

The models have no default values, because DVC versions only what the file says. Only stages use them; library functions
take plain arguments. All problems of a file are reported together, each with its key and the most similar known name.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from reset.errors import ResetError, nearest
from reset.files import fast_yaml
from reset.params import references, wording
from reset.params.document import Params
from reset.params.judged import not_choosing, objectives_of, stand_ins

__all__ = ["FILE", "load", "not_choosing", "objectives_of", "row", "stand_ins"]

FILE = Path("params.yaml")


def load(path: Path = FILE) -> Params:
    """Read and check `path`; raises one `ResetError` that lists all problems of the file."""
    try:
        content = fast_yaml.load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ResetError(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ResetError(f"{path}: not YAML ({' '.join(str(error).split())})") from error
    try:
        params = Params.model_validate(content)
    except ValidationError as error:
        raise _problems_error(path, [wording.describe(item, Params) for item in error.errors()]) from error
    problems = list(references.problems(params))
    if problems:
        raise _problems_error(path, problems)
    return params


def row(table: Mapping[str, Any], name: str, section: str) -> Any:
    """Return the row `name` of a table of params.yaml; raises `ResetError`, with all known names, if there is none."""
    if name not in table:
        raise ResetError(f"Unknown {section} '{name}' ({FILE}: {section}). {nearest(name, table)}")
    return table[name]


def _problems_error(path: Path, problems: list[str]) -> ResetError:
    return ResetError(f"{path}: " + "; ".join(problems))
