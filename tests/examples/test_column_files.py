"""Parquet and Arrow: rows with values of any type, damaged files, text that is not UTF-8."""

import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reset.errors import ResetError
from reset.examples import column_files
from reset.examples.raw_json import Broken

ROWS = [{"id": 1, "text": "a"}, {"id": 2, "text": None}]


def arrow_file(path: Path, table: pa.Table, *, stream: bool) -> Path:
    opened = pa.ipc.new_stream(path, table.schema) if stream else pa.ipc.new_file(path, table.schema)
    with opened as writer:
        writer.write_table(table, max_chunksize=1)
    return path


def parquet_file(path: Path, table: pa.Table) -> Path:
    pq.write_table(table, path)
    return path


@pytest.mark.parametrize("stream", [True, False])
def test_both_forms_of_arrow_files_are_read(tmp_path, stream):
    path = arrow_file(tmp_path / "x.arrow", pa.Table.from_pylist(ROWS), stream=stream)
    assert list(column_files.arrow(path)) == ROWS


def test_parquet_is_read_batch_by_batch(tmp_path, monkeypatch):
    monkeypatch.setattr(column_files, "BATCH", 1)
    assert list(column_files.parquet(parquet_file(tmp_path / "x.parquet", pa.Table.from_pylist(ROWS)))) == ROWS


def test_a_text_that_is_not_utf8_breaks_its_row_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(column_files, "BATCH", 2)
    texts = pa.array([b"a", b"b", b"c", b"\xff"], pa.binary())
    wrong = pa.Array.from_buffers(pa.string(), 4, texts.buffers())  # as other programs write it: Arrow does not look
    path = parquet_file(tmp_path / "x.parquet", pa.table({"text": wrong}))
    *good, bad = column_files.parquet(path)
    assert good == [{"text": "a"}, {"text": "b"}, {"text": "c"}]
    assert bad == Broken(f"{path}: row 4: a text is not UTF-8 (invalid start byte, byte 0 of it)")


def test_a_date_that_python_does_not_know_breaks_its_row_alone(tmp_path):
    days = pa.array([0, 10_000_000], pa.int32()).cast(pa.date32())
    good, bad = column_files.parquet(parquet_file(tmp_path / "x.parquet", pa.table({"day": days})))
    assert good == {"day": datetime.date(1970, 1, 1)}
    assert isinstance(bad, Broken) and "x.parquet: row 2: " in bad.what


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_a_column_that_is_named_twice_is_told(tmp_path, kind):
    table = pa.table([pa.array(["x"]), pa.array(["y"])], names=["a", "a"])
    path = tmp_path / f"x.{kind}"
    parquet_file(path, table) if kind == "parquet" else arrow_file(path, table, stream=True)
    with pytest.raises(ResetError, match=r"two columns are named 'a'"):
        list(getattr(column_files, kind)(path))


@pytest.mark.parametrize("damage", [lambda data: b"no", lambda data: data[:-9], lambda data: data[: len(data) // 2]])
@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_a_damaged_file_stops_in_one_line(tmp_path, kind, damage: Any):
    table, path = pa.table({"a": [str(number) for number in range(5_000)]}), tmp_path / f"x.{kind}"
    parquet_file(path, table) if kind == "parquet" else arrow_file(path, table, stream=False)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ResetError) as caught:
        list(getattr(column_files, kind)(path))
    assert caught.value.message.startswith(f"{path}: not a")
    assert "\n" not in caught.value.message
