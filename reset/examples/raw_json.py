"""A raw record as one line of JSON: how stage `fetch` writes it and stage `prepare` reads it again.

What JSON cannot hold is converted by the rules of `_converted`: bytes that are UTF-8 become text, dates become ISO 8601
text, decimals and UUIDs become text, NumPy values become Python's. NaN and the infinities become null. Any other value,
and bytes that are not UTF-8, are written as {"unreadable": "..."}: the record is broken only if its source reads that
field.
"""

import json
import math
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import orjson

from reset.errors import ResetError
from reset.sources.fields import UNREADABLE, kind


class Broken(NamedTuple):
    """A record that cannot be read; `what` is its place and the fault."""

    what: str


def parse(line: bytes) -> dict[str, Any]:
    """Return the record on a line. Raises `ResetError` if it is not a JSON object or not UTF-8; NaN is null."""
    try:
        item = orjson.loads(line)
    except ValueError:
        item = _parse_leniently(line)
    return require_object(item)


def _parse_leniently(line: bytes) -> object:
    """Parse what orjson refuses but raw records hold: halves of surrogate pairs, NaN, integers of over 64 bits."""
    try:
        return json.loads(line.decode(), parse_constant=lambda _: None)
    except UnicodeDecodeError as error:
        raise ResetError(f"{not_utf8(line, error.start)} (byte {error.start} of the line)") from error
    except (ValueError, RecursionError) as error:
        raise ResetError(f"not JSON ({error})") from error


def require_object(item: object) -> dict[str, Any]:
    """Return `item`, which must be a JSON object."""
    if not isinstance(item, dict):
        raise ResetError(f"a record must be a JSON object, this is {kind(item)}")
    return item


def not_utf8(data: bytes, at: int) -> str:
    """Say that the byte `at` is not UTF-8, and which encoding it may be: in Windows-1252, 0x80 to 0x9f are marks."""
    guess = "Windows-1252" if data[at] < 0xA0 else "Latin-1 or Windows-1252"
    return f"not UTF-8: byte 0x{data[at]:02x}, perhaps {guess}"


def undecoded(text: str) -> str:
    """Return why `text`, read from bytes with `surrogateescape`, is not UTF-8; "" if it is."""
    if text.isascii():
        return ""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return not_utf8(text[error.start].encode("utf-8", "surrogateescape"), 0)
    return ""


def json_line(record: Mapping[str, Any]) -> bytes:
    """Return `record` as a line of JSON in UTF-8, with its line break; `ResetError` if it is nested too deeply."""
    try:
        return _json_line(record)
    except RecursionError as error:
        raise ResetError("a record is nested too deeply") from error


def _json_line(record: Mapping[str, Any]) -> bytes:
    try:
        return (_encode(record) + "\n").encode()
    except UnicodeEncodeError:  # half a surrogate pair: JSON can hold it only as an escape
        return (json.dumps(_finite(record)) + "\n").encode()
    except ValueError:  # NaN or an infinity
        return _json_line(_finite(record))


def _converted(value: object) -> object:
    """Convert a value that JSON does not know; the module's docstring has the rules."""
    if isinstance(value, bytes | bytearray | memoryview):
        data = bytes(value)
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            return {UNREADABLE: f"{len(data)} bytes, {not_utf8(data, error.start)}"}
    if isinstance(value, date | time):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    if isinstance(value, np.ndarray) or (isinstance(value, np.generic) and not isinstance(value, np.datetime64)):
        return value.tolist()
    return {UNREADABLE: f"a value of type {type(value).__name__}"}


def _finite(value: Any) -> Any:
    """Return `value` with None in place of each NaN and infinity, and with all values converted."""
    if isinstance(value, Mapping):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else _finite(_converted(value))


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_converted).encode
