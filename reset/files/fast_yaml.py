"""Read YAML with libyaml where PyYAML has it: the parser in Python takes a second for dvc.lock."""

from collections import Counter
from typing import Any

import yaml

BRACKETS, WIDTH = 1000, 10_000  # of a text, and characters of a line: libyaml reads what can nest in so many


class _Once:
    """A key that is there twice is an error, as it is to DVC."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the table that `node` writes; raises `ConstructorError` for a key that it writes twice."""
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
        for key, count in Counter(keys).items():
            if count > 1:
                raise yaml.constructor.ConstructorError(None, None, f"the key '{key}' is there twice", node.start_mark)
        return super().construct_mapping(node, deep)  # type: ignore[misc, no-any-return]  # of the loader


class _Plain(_Once, yaml.SafeLoader):
    """In Python: it can be told that a text is nested too deeply."""


class _Fast(_Once, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # chosen when it is imported
    """In C, which a text that is nested a hundred thousand deep brings down."""


def load(text: str) -> Any:
    """Return the content of a YAML text.

    Raises `yaml.YAMLError` if it is none, or if it has a key twice in a table, a number of 5,000 digits, a 40th of May,
    or tables nested too deeply.
    """
    deep = text.count("[") + text.count("{") > BRACKETS or max(map(len, text.splitlines()), default=0) > WIDTH
    try:
        return yaml.load(text, Loader=_Plain if deep else _Fast)  # nosec B506: safe loaders
    except RecursionError as error:
        raise yaml.YAMLError("nested too deeply") from error
    except ValueError as error:
        raise yaml.YAMLError(str(error)) from error
