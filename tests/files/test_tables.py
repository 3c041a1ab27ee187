"""Tables are written whole or not at all, and read back row by row; a broken file is named in one line."""

import os
import random
import subprocess
import sys
import time

import psutil
import pyarrow as pa
import pytest

from reset.errors import ResetError
from reset.files import atomic, schemas, tables
from reset.files.atomic import whole_folder
from reset.files.row_accounts import Account
from tests.support.waiting import until

VERDICT = {"answer_id": "a", "name": "rating", "score": 0.5, "reason": None, "detail": None}


def verdict(number):
    return {**VERDICT, "answer_id": str(number)}


def test_rows_come_back_in_order_over_several_row_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "ROW_GROUP", 3)
    path = tmp_path / "new" / "t.parquet"
    rows = [verdict(number) for number in range(10)]
    assert tables.write(path, schemas.VERDICTS, iter(rows)) == 10
    assert list(tables.read(path, schemas.VERDICTS)) == rows
    assert tables.count(path, schemas.VERDICTS) == 10


def test_an_empty_table_can_be_written_and_read(tmp_path):
    assert tables.write(tmp_path / "t.parquet", schemas.VERDICTS, []) == 0
    assert list(tables.read(tmp_path / "t.parquet", schemas.VERDICTS)) == []


def test_the_same_rows_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        tables.write(tmp_path / name, schemas.VERDICTS, [verdict(1)])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_while_rows_come_leaves_no_half_file(tmp_path, error):
    def rows():
        yield verdict(1)
        raise error

    with pytest.raises(error):
        tables.write(tmp_path / "t.parquet", schemas.VERDICTS, rows())
    assert list(tmp_path.iterdir()) == []


def test_a_table_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    done, path = [], tmp_path / "t.parquet"
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda opened: (done.append(os.readlink(f"/proc/self/fd/{opened}")), sync(opened)))
    monkeypatch.setattr(os, "replace", lambda old, new: (done.append((str(old), str(new))), replace(old, new)))
    tables.write(path, schemas.VERDICTS, [verdict(1)])
    content, (temporary, name), folder = done
    assert (content, name, folder) == (temporary, str(path), str(tmp_path))


def test_an_exception_leaves_the_file_of_an_earlier_run_as_it_was(tmp_path):
    path = tmp_path / "t.parquet"
    tables.write(path, schemas.VERDICTS, [verdict(1)])
    with pytest.raises(RuntimeError), tables.Writer(path, schemas.VERDICTS) as writer:
        writer.write(verdict(2))
        raise RuntimeError
    assert list(tables.read(path, schemas.VERDICTS)) == [verdict(1)]
    assert list(tmp_path.iterdir()) == [path]


def test_a_row_that_does_not_fit_the_schema_leaves_no_half_file(tmp_path):
    with pytest.raises(pa.ArrowInvalid):
        tables.write(tmp_path / "t.parquet", schemas.VERDICTS, [{**VERDICT, "score": "much"}])
    assert list(tmp_path.iterdir()) == []


def test_a_row_without_a_column_that_may_not_be_null_is_refused(tmp_path):
    with pytest.raises(pa.ArrowInvalid, match="answer_id"):
        tables.write(tmp_path / "t.parquet", schemas.VERDICTS, [{"name": "rating"}])
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ResetError, match=r"none\.parquet: no such file"):
        list(tables.read(tmp_path / "none.parquet", schemas.VERDICTS))


def test_a_file_that_is_no_parquet_is_named(tmp_path):
    (tmp_path / "t.parquet").write_text("id,score\n")
    with pytest.raises(ResetError, match=r"t\.parquet: not a Parquet file \(") as raised:
        tables.count(tmp_path / "t.parquet", schemas.VERDICTS)
    assert "\n" not in raised.value.message


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_table_that_is_cut_is_named(tmp_path, share):
    path = tmp_path / "t.parquet"
    tables.write(path, schemas.VERDICTS, map(verdict, range(2_000)))
    os.truncate(path, int(path.stat().st_size * share))
    with pytest.raises(ResetError, match=r"t\.parquet: not a Parquet file"):
        list(tables.read(path, schemas.VERDICTS))


def test_a_byte_that_turned_gives_a_line_or_rows_and_no_traceback(tmp_path):
    path = tmp_path / "t.parquet"
    tables.write(path, schemas.VERDICTS, map(verdict, range(500)))
    whole, draw, said = path.read_bytes(), random.Random(0), []
    for _ in range(200):
        at = draw.randrange(len(whole))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << draw.randrange(8))]) + whole[at + 1 :])
        try:
            list(tables.read(path, schemas.VERDICTS))  # a changed table is another hash to DVC
        except ResetError as error:
            said.append(error.message)
    assert any("t.parquet: damaged (" in message for message in said)


def test_missing_columns_are_named(tmp_path):
    tables.write(tmp_path / "t.parquet", schemas.VERDICTS, [VERDICT])
    with pytest.raises(ResetError, match=r"t\.parquet: lacks the columns example_id, dataset, "):
        list(tables.read(tmp_path / "t.parquet", schemas.ANSWERS))


def test_json_is_sorted_and_complete_or_absent(tmp_path):
    path = tmp_path / "m" / "a.json"
    tables.write_json(path, {"b": 1, "a": "ä"})
    assert path.read_text(encoding="utf-8") == '{\n  "a": "ä",\n  "b": 1\n}\n'
    assert tables.read_json(path) == {"a": "ä", "b": 1}
    with pytest.raises(TypeError):
        tables.write_json(path, {"a": object()})
    assert tables.read_json(path) == {"a": "ä", "b": 1}
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "No such file or directory"), ("{", "not JSON"), ("[1]", "must hold a JSON object, holds a list")],
)
def test_json_that_cannot_be_read_is_named(tmp_path, text, message):
    path = tmp_path / "a.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ResetError, match=f"a.json: {message}"):
        tables.read_json(path)


def test_a_folder_replaces_the_earlier_one_whole_or_not_at_all(tmp_path):
    path = tmp_path / "models" / "m"
    for content in ("first", "second"):
        with whole_folder(path) as folder:
            (folder / content).write_text(content)
    assert [file.name for file in path.iterdir()] == ["second"]
    with pytest.raises(RuntimeError), whole_folder(path) as folder:
        (folder / "third").write_text("half")
        raise RuntimeError
    assert [file.name for file in path.iterdir()] == ["second"]
    assert list(path.parent.iterdir()) == [path]


def left_by(name: str, pid: int, *, of: str | None = None, boot: str | None = None, start: int = 1) -> str:
    """The name of a temporary file of process `pid`, by default of one that began at another time than any here."""
    return f".{name}.{of or atomic.machine()}-{boot or atomic.boot()}-{pid}-{start}.tmp"


def test_what_killed_processes_have_left_goes_with_the_next_writing_and_no_more(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    alive = left_by("a.json", os.getppid(), start=atomic.began(os.getppid()))
    other_file = left_by("b.json", gone.pid)
    (tmp_path / left_by("m", gone.pid)).mkdir()
    for name in (left_by("a.json", gone.pid), alive, other_file):
        (tmp_path / name).write_text("half")
    tables.write_json(tmp_path / "a.json", {})
    with whole_folder(tmp_path / "m"):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {alive, other_file, "a.json", "m"}


def test_what_another_machine_writes_into_a_shared_folder_is_left_alone(tmp_path):
    """Its process may well live, though none of that number does here."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    elsewhere = left_by("a.json", gone.pid, of="0123abcd")
    before_boot = left_by("a.json", os.getpid(), boot="0123abcd", start=atomic.began(os.getpid()))
    for name in (elsewhere, before_boot):
        (tmp_path / name).write_text("half")
    tables.write_json(tmp_path / "a.json", {})
    assert {path.name for path in tmp_path.iterdir()} == {elsewhere, "a.json"}


def test_a_number_that_another_process_has_got_is_that_of_no_writer(tmp_path):
    reused = left_by("a.json", os.getpid(), start=atomic.began(os.getpid()) - 1)
    (tmp_path / reused).write_text("half")
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        until(lambda: psutil.Process(ended.pid).status() == psutil.STATUS_ZOMBIE)
        (tmp_path / left_by("a.json", ended.pid)).write_text("half")
        tables.write_json(tmp_path / "a.json", {})
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_clock_that_jumps_takes_no_file_from_a_process_that_writes_it(tmp_path, monkeypatch):
    mine = tmp_path / left_by("a.json", os.getppid(), start=atomic.began(os.getppid()))
    mine.write_text("half")
    for jump in (-1e6, 1e6):
        os.utime(mine, (time.time() + jump,) * 2)
        monkeypatch.setattr(time, "time", lambda jump=jump: 1e9 + jump)
        atomic._left_over.cache_clear()
        tables.write_json(tmp_path / "a.json", {})
        assert mine.is_file()


def test_an_account_balances_and_tells_the_reasons(tmp_path):
    account = Account()
    account.keep(3)
    account.leave("too long", 2)
    account.leave("empty")
    assert account.rows_in == account.rows_out + sum(account.set_aside.values()) == 6
    assert str(account) == "6 rows in, 3 out; set aside: 2 too long, 1 empty"
    account.write(tmp_path / "a.json", tokens=7)
    assert tables.read_json(tmp_path / "a.json") == {
        "rows_in": 6,
        "rows_out": 3,
        "set_aside": {"empty": 1, "too long": 2},
        "tokens": 7,
    }


def test_a_file_is_read_a_row_group_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "ROW_GROUP", 2)
    noise = random.Random(0)
    rows = ({**verdict(number), "detail": noise.randbytes(20_000).hex()} for number in range(200))
    tables.write(tmp_path / "t.parquet", schemas.VERDICTS, rows)
    before = pa.total_allocated_bytes()
    reading = tables.read(tmp_path / "t.parquet", schemas.VERDICTS)
    assert next(reading)["answer_id"] == "0"
    assert pa.total_allocated_bytes() - before < (tmp_path / "t.parquet").stat().st_size / 4
