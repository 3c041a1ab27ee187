"""Strict CSV and TSV: a row is read, or broken with its line; where quotes cannot be right, reading stops."""

import csv
import io
from typing import Any

import pytest

from reset.errors import ResetError
from reset.examples import cell_files
from reset.examples.raw_json import Broken


def rows(content: str | bytes, separator: str = ",") -> list[Any]:
    data = content.encode() if isinstance(content, str) else content
    stream = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", errors="surrogateescape", newline="")
    found = cell_files.cells("x.csv", stream, separator)
    return [item.what if isinstance(item, Broken) else item for item in found]


def fault(content: str) -> str:
    with pytest.raises(ResetError) as caught:
        rows(content)
    assert "\n" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a,b\n1,2", [{"a": "1", "b": "2"}]),
        ('a,b\r\n\r\n"1, ""x""\r\ny",\r\n', [{"a": '1, "x"\r\ny', "b": ""}]),
        ("a,b\r1,2\r", [{"a": "1", "b": "2"}]),
        ('a,b\na 5" pipe,2\n', [{"a": 'a 5" pipe', "b": "2"}]),
        ('\ufeff"a",b\n1,2\n', [{"a": "1", "b": "2"}]),
        ("\u200ba,b\n1,2\n", [{"a": "1", "b": "2"}]),
        (",b,\n0,2,x\n", [{"column 1": "0", "b": "2", "column 3": "x"}]),
        ("a\nNaN\n", [{"a": "NaN"}]),
        ("a,b\n\0,2\n", [{"a": "\0", "b": "2"}]),
        ("", []),
        ("a,b\n", []),
    ],
)
def test_rows_are_records_of_text(content, expected):
    assert rows(content) == expected


def test_tabs_part_the_cells_of_a_tsv_file():
    assert rows('a\tb\n1,5\t"x\ty"\n', "\t") == [{"a": "1,5", "b": "x\ty"}]


def test_rows_are_broken_one_by_one_with_the_line_they_start_on():
    content = b'a,b\n1,"2\n2"\n1\n"1\n1",2,3\n\nx,\n' + b"\xe4,2\n"
    assert rows(content) == [
        {"a": "1", "b": "2\n2"},
        "x.csv:4: fewer cells than columns (1, 2)",
        "x.csv:5: more cells than columns (3, 2)",
        {"a": "x", "b": ""},
        "x.csv:9: not UTF-8: byte 0xe4, perhaps Latin-1 or Windows-1252",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('a,b\n1,2\n3,"4\n5,6\n7,8\n', "x.csv:3: a quote in this record is never closed"),
        (
            'a,b\n1,2\n3,"4\n5,6\n7,"8"\n',
            "x.csv:5: quotes do not fit (',' expected after '\"') in the record of line 3;",
        ),
        ('a,b\n"x"y,2\n', "x.csv:2: quotes do not fit"),
        ('a,b\n"x \\"y\\" z",2\n', "x.csv:2: quotes do not fit"),
        ('"a,b\n1,2\n', "x.csv:1: a quote in this record is never closed"),
        ("a,b,a\n1,2,3\n", "x.csv:1: two columns are named 'a'"),
        ("a;b\n1;2\n", "x.csv:1: the header names one column, 'a;b': cells are parted by commas in .csv, by tabs in"),
        ("a\tb\n1\t2\n", "x.csv:1: the header names one column"),
    ],
)
def test_a_file_whose_cells_are_uncertain_stops_with_its_line(content, message):
    assert fault(content).startswith(message)


def test_a_header_in_another_encoding_stops():
    with pytest.raises(ResetError, match=r"x.csv:1: not UTF-8: byte 0xe4"):
        rows(b"\xe4,b\n1,2\n")


def test_an_article_is_longer_than_the_csv_modules_own_limit_and_a_runaway_cell_is_told(monkeypatch):
    text = "x" * (csv.field_size_limit() + 1 if csv.field_size_limit() < 1 << 20 else 200_000)
    assert rows(f"a\n{text}\n") == [{"a": text}]
    monkeypatch.setattr(cell_files, "LONGEST", 100)
    assert fault(f"a\n1\n{text}\n") == "x.csv:3: a cell of over 100 characters: is a quote not closed?"
    monkeypatch.undo()
    assert rows(f"a\n{text}\n") == [{"a": text}]


def test_a_header_that_stands_again_is_no_record():
    assert rows("a,b\n1,2\na,b\n3,4\n") == [{"a": "1", "b": "2"}, "x.csv:3: the header again", {"a": "3", "b": "4"}]
