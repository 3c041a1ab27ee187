"""Read the fields of raw records and check their types; a `ResetError` says what is wrong with a record.

No value is turned into text by guessing: text must be text, and only ids may be whole numbers.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from reset.errors import ResetError
from reset.normalise import comparable
from reset.sources import Record, content_id

Reply = Annotated[str, Field(pattern=r"\S")]  # what is to be said to an unanswerable prompt
Most = Annotated[int, Field(ge=1)]  # of passages that are kept
UNREADABLE = "unreadable"  # the only key of what stage `fetch` writes for a value that JSON cannot hold

MISSING = ("nan", "-nan", "nat", "na", "n/a", "<na>", "#n/a", "null", "none", "undefined")

_KINDS = {bool: "true or false", int: "a number", float: "a number", str: "text", dict: "an object", list: "a list"}


def blank(text: str) -> bool:
    """Whether a text says nothing: it is empty, or holds only blanks and characters without width."""
    return not any(map(str.isalnum, text)) and not comparable(text)


def kind(item: object) -> str:
    """Say in plain words what a value of JSON is; of a list, also what its first item that is not text is."""
    if item is None:
        return "null"
    if isinstance(item, Mapping) and list(item) == [UNREADABLE]:
        return str(item[UNREADABLE])
    inner = next((part for part in item if not isinstance(part, str)), "") if isinstance(item, list) else ""
    return f"a list with {kind(inner)}" if inner != "" else _KINDS.get(type(item), f"a {type(item).__name__}")


def value(record: Record, name: str) -> Any:
    """Return the field `name`. Raises `ResetError` if it is absent, with the names of the fields that exist."""
    if name not in record:
        raise ResetError(f"lacks the field '{name}' (has: {', '.join(map(str, record)) or 'none'})")
    return record[name]


def nested(record: Record, path: str) -> Any:
    """Return the field `path`, whose dots lead into objects: `answers.text`. In a list of objects, it is each one's.

    A field whose own name has the dots comes first. Null if an object on the way is null. Raises `ResetError` if a
    field on the way is absent or no object.
    """
    outer, dot, inner = path.partition(".")
    if path in record or not dot or outer not in record:
        return value(record, path)
    field = record[outer]
    if isinstance(field, list) and all(isinstance(item, Mapping) for item in field):
        return [nested(item, inner) for item in field]
    if not isinstance(field, Mapping | None):
        raise _wrong_type(outer, "an object or a list of objects", field)
    return None if field is None else nested(field, inner)


def has(record: Record, path: str) -> bool:
    """Return whether `nested` finds the field `path`."""
    try:
        nested(record, path)
    except ResetError:
        return False
    return True


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
    return [item for item in items if not blank(item)]


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


def label(name: str, field: object) -> str:
    """Return the value of the field `name` as an id or another short name; "" if it is null or blank.

    Text is taken as it is, and a whole number as its digits, also where pandas has made 7 of it 7.0. Above 2^53 such a
    number is not exact any more: two ids may have become one.
    """
    if isinstance(field, float) and field.is_integer():
        if abs(field) > 1 << 53:
            raise ResetError(f"the field '{name}' is a number too large to be exact: it must be text")
        field = int(field)
    if isinstance(field, int) and not isinstance(field, bool):
        return str(field)
    if not isinstance(field, str | None):
        raise _wrong_type(name, "text or a whole number", field)
    return field if field and not blank(field) else ""


def identity(record: Record, names: Sequence[str], *parts: str) -> str:
    """Return the `label` of the first of the fields `names` that has one, as the id; else `content_id` of `parts`.

    The words that programs write into text files for a missing value (`MISSING`) are no ids.
    """
    labels = (label(name, record.get(name)) for name in names)
    return next((one for one in labels if one and one.strip().lower() not in MISSING), None) or content_id(*parts)


def _from_columns(name: str, columns: Mapping[str, Any]) -> list[Record]:
    if not all(isinstance(column, list) for column in columns.values()):
        raise ResetError(f"the field '{name}' must hold lists only")
    if len({len(column) for column in columns.values()}) > 1:
        raise ResetError(f"the field '{name}' holds lists of unequal length")
    return [dict(zip(columns, items, strict=True)) for items in zip(*columns.values(), strict=True)]


def _wrong_type(name: str, expected: str, field: object) -> ResetError:
    return ResetError(f"the field '{name}' must be {expected}, is {kind(field)}")
