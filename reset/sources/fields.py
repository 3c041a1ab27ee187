"""Read the fields of raw records and check their types; a `ResetError` says what is wrong with a record."""

from collections.abc import Mapping, Sequence
from typing import Any

from reset.errors import ResetError
from reset.sources import Record, content_id


def value(record: Record, name: str) -> Any:
    """Return the field `name`. Raises `ResetError` if it is absent, with the names of the fields that exist."""
    if name not in record:
        raise ResetError(f"lacks the field '{name}' (has: {', '.join(map(str, record)) or 'none'})")
    return record[name]


def text(record: Record, name: str) -> str:
    """Return the field `name`, which must be text."""
    field = value(record, name)
    if not isinstance(field, str):
        raise _wrong_type(name, "text", field)
    return field


def optional_text(record: Record, name: str) -> str:
    """Return the field `name`, which must be text, or "" if it is absent or null."""
    return "" if record.get(name) is None else text(record, name)


def number(record: Record, name: str) -> float:
    """Return the field `name`, which must be a number."""
    field = value(record, name)
    if isinstance(field, bool) or not isinstance(field, int | float):
        raise _wrong_type(name, "a number", field)
    return float(field)


def texts(record: Record, name: str) -> list[str]:
    """Return the field `name`, which must be a text or a list of texts, as a list without blank texts."""
    field = value(record, name)
    items = [field] if isinstance(field, str) else field
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise _wrong_type(name, "a list of texts", field)
    return [item for item in items if item.strip()]


def rows(record: Record, name: str) -> list[Record]:
    """Return the field `name`, which must be a list of objects.

    The hub's form of such a list is read too: one object whose values are lists of equal length.
    """
    field = value(record, name)
    if isinstance(field, Mapping):
        return _from_columns(name, field)
    if not isinstance(field, list) or set(map(type, field)) - {dict}:  # faster than a loop over hundreds of objects
        raise _wrong_type(name, "a list of objects", field)
    return field


def identity(record: Record, names: Sequence[str], *parts: str) -> str:
    """Return the first of the fields `names` that is present and not empty, as the id; else `content_id` of `parts`."""
    for name in names:
        if record.get(name) not in (None, ""):
            return str(record[name])
    return content_id(*parts)


def _from_columns(name: str, columns: Mapping[str, Any]) -> list[Record]:
    if not all(isinstance(column, list) for column in columns.values()):
        raise ResetError(f"the field '{name}' must hold lists only")
    if len({len(column) for column in columns.values()}) > 1:
        raise ResetError(f"the field '{name}' holds lists of unequal length")
    return [dict(zip(columns, items, strict=True)) for items in zip(*columns.values(), strict=True)]


def _wrong_type(name: str, expected: str, field: object) -> ResetError:
    kind = "null" if field is None else f"a {type(field).__name__}"
    return ResetError(f"the field '{name}' must be {expected}, is {kind}")
