"""Fields of raw records: read with their types checked, so that a source says what a record lacks."""

from collections.abc import Mapping, Sequence
from typing import Any

from reset.errors import ResetError
from reset.sources import Record, content_id


def value(record: Record, name: str) -> Any:
    """Return the field `name`; `ResetError` says which fields there are when it is absent."""
    if name not in record:
        raise ResetError(f"lacks the field '{name}' (has: {', '.join(map(str, record)) or 'none'})")
    return record[name]


def text(record: Record, name: str) -> str:
    """Return the field `name`, which must be text."""
    found = value(record, name)
    if not isinstance(found, str):
        raise _wrong(name, "text", found)
    return found


def optional_text(record: Record, name: str) -> str:
    """Return the field `name`, or "" where it is absent or null."""
    return "" if record.get(name) is None else text(record, name)


def number(record: Record, name: str) -> float:
    """Return the field `name`, which must be a number."""
    found = value(record, name)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise _wrong(name, "a number", found)
    return float(found)


def texts(record: Record, name: str) -> list[str]:
    """Return the field `name`, a list of texts or one text, without blank ones."""
    found = value(record, name)
    items = [found] if isinstance(found, str) else found
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise _wrong(name, "a list of texts", found)
    return [item for item in items if item.strip()]


def rows(record: Record, name: str) -> list[Record]:
    """Return the field `name`, a list of objects; also in the hub's form, one object of lists of equal length."""
    found = value(record, name)
    if isinstance(found, Mapping):
        return _transposed(name, found)
    if not isinstance(found, list) or set(map(type, found)) - {dict}:  # at the speed of C: there may be hundreds
        raise _wrong(name, "a list of objects", found)
    return found


def identity(record: Record, names: Sequence[str], *parts: str) -> str:
    """Return the record's own id under the first of `names` that it has, else an id made of `parts`."""
    for name in names:
        if record.get(name) not in (None, ""):
            return str(record[name])
    return content_id(*parts)


def _transposed(name: str, columns: Mapping[str, Any]) -> list[Record]:
    if not all(isinstance(column, list) for column in columns.values()):
        raise ResetError(f"the field '{name}' must hold lists only")
    if len({len(column) for column in columns.values()}) > 1:
        raise ResetError(f"the field '{name}' holds lists of unequal length")
    return [dict(zip(columns, items, strict=True)) for items in zip(*columns.values(), strict=True)]


def _wrong(name: str, wanted: str, found: object) -> ResetError:
    kind = "null" if found is None else f"a {type(found).__name__}"
    return ResetError(f"the field '{name}' must be {wanted}, is {kind}")
