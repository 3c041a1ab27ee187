"""Read YAML with libyaml where PyYAML has it: the parser in Python takes a second for dvc.lock."""

from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load(text: str) -> Any:
    """Return the content of a YAML text. Raises `yaml.YAMLError` if it is none."""
    return yaml.load(text, Loader=_LOADER)  # nosec B506: a safe loader
