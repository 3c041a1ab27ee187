"""Strict JSON: each line or item is a record or broken with its place, and nothing behind the last value is lost."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from reset.errors import ResetError
from reset.examples import json_files
from reset.examples.raw_json import Broken

PATH = Path("x.json")


def lines(content: bytes) -> list[Any]:
    return [told(item) for item in json_files.json_lines("x.jsonl", io.BytesIO(content))]


def items(content: str) -> list[Any]:
    return [told(item) for item in json_files.json_document("x.json", io.StringIO(content))]


def told(item: Any) -> Any:
    return item.what if isinstance(item, Broken) else item


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"a": 1}\n{"a": 2}', [{"a": 1}, {"a": 2}]),
        (b'\xef\xbb\xbf{"a": 1}\r\n\r\n\xef\xbb\xbf{"a": 2}\r\n', [{"a": 1}, {"a": 2}]),
        ('\u200b{"a": "x\u2028y"}\n'.encode(), [{"a": "x\u2028y"}]),
        (b'{"a": NaN, "b": [-Infinity, 1e999]}\n', [{"a": None, "b": [None, float("inf")]}]),
        (b'{"a": "\\ud83d"}\n', [{"a": "\ud83d"}]),
        (b'{"a": 123456789012345678901234567890}\n', [{"a": 123456789012345678901234567890}]),
    ],
)
def test_lines_are_records(content, expected):
    assert lines(content) == expected


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b'{"a": ', "not JSON (Expecting value"),
        (b'{"a": 1', "not JSON (Expecting ',' delimiter"),
        (b"[1]", "a record must be a JSON object, this is a list with a number"),
        (b"null", "a record must be a JSON object, this is null"),
        (b'{"a": "\xe4"}', "not UTF-8: byte 0xe4, perhaps Latin-1 or Windows-1252 (byte 7 of the line)"),
        (b'{"a": "\x93"}', "not UTF-8: byte 0x93, perhaps Windows-1252 (byte 7 of the line)"),
        (b'{"a": "\0"}', "not JSON (Invalid control character"),
        (b'{"a": 1}{"a": 2}', "not JSON (more text behind the value, from character 9 of the line)"),
        (b'{"a": 1},', "not JSON (more text behind the value"),
        (b'{"a": 1, "a": 2}', "the key 'a' stands twice"),
        (b'{"a": {"b": 1, "c": 2, "b": 1}}', "the key 'b' stands twice"),
        (b'{"a": ' + b"[" * 200_000, "not JSON (nested too deeply"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "not JSON (Exceeds the limit"),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else "",
)
def test_a_line_that_is_no_record_is_broken_and_the_next_is_read(line, fault):
    first, second, third = lines(b'{"z": 0}\n' + line + b'\n{"z": 1}\n')
    assert (first, third) == ({"z": 0}, {"z": 1})
    assert second.startswith(f"x.jsonl:2: {fault}")


@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
def test_an_array_is_read_in_pieces(monkeypatch, chunk):
    monkeypatch.setattr(json_files, "CHUNK", chunk)
    records = [{"id": number, "n": [1.5e3, True], "text": '[]{}," \\ \u00e4\ud83d' * number} for number in range(30)]
    for indent in (None, 1):
        assert items(json.dumps(records, indent=indent)) == records
        assert items("\ufeff \n" + json.dumps(records, indent=indent) + "\r\n ") == records


@pytest.mark.parametrize(
    ("content", "expected"), [("", []), (" \n", []), ("[]", []), ("[ ]\n", []), ('{"a": 1}', [{"a": 1}])]
)
def test_a_document_may_be_empty_or_one_record(content, expected):
    assert items(content) == expected


@pytest.mark.parametrize("chunk", [1, 1 << 20])
@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ('[{"a": 1}]\n[{"a": 2}]', "2: not JSON (a second value behind the first; a file of one record per line must"),
        ('{"a": 1}\n{"a": 2}\n', "2: not JSON (a second value behind the first"),
        ('[{"a": 1}]\nthe end', "2: not JSON (a second value behind the first"),
        ('[{"a": 1}]]', "1: not JSON (a second value behind the first"),
        ('[{"a": 1}\n {"a": 2}]', "2: not JSON (',' or ']' expected behind item 1)"),
        ('[{"a": 1},,{"a": 2}]', "1: not JSON (Expecting value)"),
        ('[{"a": 1},\n]', "2: not JSON (Expecting value)"),
        ('[{"a": 1},\n{"a"', "2: not JSON (Expecting ':' delimiter)"),
        ('[{"a": 1},\n{"a', "2: not JSON (Unterminated string)"),
        ('[{"a": 1},', "1: not JSON (Expecting value)"),
        ('[{"a": 1}\n', "2: not JSON (the array has no end)"),
        ("[", "1: not JSON (Expecting value)"),
        ("nothing", "1: not JSON (Expecting value)"),
        ('[{"a": 1},\n{"a": ' + "[" * 100_000 + "]", "2: not JSON (nested too deeply)"),
        ('[{"a": 1},\n{"a": ' + "9" * 5_000 + "}]", "2: not JSON (Exceeds the limit"),
    ],
)
def test_anything_but_one_array_or_object_stops_with_its_line(monkeypatch, content, fault, chunk):
    monkeypatch.setattr(json_files, "CHUNK", chunk if len(content) < 1_000 else 1 << 20)
    with pytest.raises(ResetError) as caught:
        items(content)
    assert caught.value.message.startswith(f"x.json:{fault}")


def test_an_item_that_is_no_record_is_broken_and_the_next_is_read():
    content = '[{"a": 1},\n[1, 2],\n"x", {"a": 1, "a": 1}, {"b": "\udce4"},\n{"a": 2}]'
    assert items(content) == [
        {"a": 1},
        "x.json:2: item 2: a record must be a JSON object, this is a list with a number",
        "x.json:3: item 3: a record must be a JSON object, this is text",
        "x.json:3: item 4: the key 'a' stands twice",
        "x.json:3: item 5: not UTF-8: byte 0xe4, perhaps Latin-1 or Windows-1252",
        {"a": 2},
    ]


def test_a_fault_early_in_a_long_file_is_told_without_reading_all_of_it(monkeypatch):
    monkeypatch.setattr(json_files, "CHUNK", 100)
    stream = io.StringIO("[" + '{"a": 1}, ' * 10 + '{"a" 1}, ' + '{"a": 1}, ' * 10_000 + "]")
    with pytest.raises(ResetError, match=r"Expecting ':' delimiter"):
        list(json_files.json_document("x.json", stream))
    assert stream.tell() < 1_000
