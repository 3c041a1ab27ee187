"""What `fetch` writes for values that JSON does not know, and how `prepare` reads lines."""

import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from reset.errors import ResetError
from reset.examples import raw_json

UTC = datetime.UTC


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (b"h\xc3\xa9", "h\u00e9"),
        (bytearray(b"ab"), "ab"),
        (b"\xff\xfe\x00", {"unreadable": "3 bytes, not UTF-8: byte 0xff, perhaps Latin-1 or Windows-1252"}),
        (datetime.date(2024, 2, 29), "2024-02-29"),
        (datetime.datetime(2024, 2, 29, 12, 30, tzinfo=UTC), "2024-02-29T12:30:00+00:00"),
        (datetime.time(12, 30), "12:30:00"),
        (datetime.timedelta(1), {"unreadable": "a value of type timedelta"}),
        (Decimal("3.50"), "3.50"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (np.int64(7), 7),
        (np.float32("nan"), None),
        (np.bool_(True), True),
        (np.array([[1.5], [np.inf]]), [[1.5], [None]]),
        (np.datetime64("2024-02-29"), {"unreadable": "a value of type datetime64"}),
        (float("nan"), None),
        ({"a": [float("-inf"), (b"x", 1)]}, {"a": [None, ["x", 1]]}),
        ({1, 2}, {"unreadable": "a value of type set"}),
        (object(), {"unreadable": "a value of type object"}),
        ("\ud83d", "\ud83d"),
        (2**64 - 1, 2**64 - 1),
        (True, True),
        (None, None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_is_converted_by_rule_or_marked_as_unreadable(value: Any, read: Any) -> None:
    line = raw_json.json_line({"x": value, "y": 1})
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert raw_json.parse(line) == {"x": read, "y": 1}


def test_half_a_surrogate_pair_beside_a_nan_is_kept():
    assert raw_json.parse(raw_json.json_line({"x": "\ud83d", "y": float("nan")})) == {"x": "\ud83d", "y": None}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"[1]", "a record must be a JSON object, this is a list with a number"),
        (b"7", "a record must be a JSON object, this is a number"),
        (b'{"a": "\xe4"}', "not UTF-8: byte 0xe4, perhaps Latin-1 or Windows-1252 (byte 7 of the line)"),
        (b'{"a": ', "not JSON (Expecting value: line 1 column 7 (char 6))"),
        (b'{"a":' + b"[" * 100_000, "not JSON ("),
    ],
    ids=lambda value: value[:12] if isinstance(value, bytes) else "",
)
def test_a_line_that_is_no_record_is_told(line: bytes, message: str) -> None:
    with pytest.raises(ResetError) as caught:
        raw_json.parse(line)
    assert caught.value.message.startswith(message)


def test_nan_is_null_wherever_it_stands():
    assert raw_json.parse(b'{"a": NaN, "b": [Infinity, {"c": -Infinity}]}') == {"a": None, "b": [None, {"c": None}]}
