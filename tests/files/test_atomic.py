"""Files appear whole or not at all; a full disk and a folder that cannot be written are one line for the user."""

import errno
import os

import psutil
import pytest

from reset.errors import ResetError
from reset.files import atomic, tables


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_one_line_that_says_how_to_go_on(tmp_path, number):
    with (
        pytest.raises(
            ResetError, match=rf"a\.json: {os.strerror(number).lower()}; finished work is kept, run the same"
        ),
        atomic.room_for(tmp_path / "a.json"),
    ):
        raise OSError(number, os.strerror(number))


def test_another_error_of_the_disk_is_none_of_space(tmp_path):
    with pytest.raises(PermissionError), atomic.room_for(tmp_path / "a.json"):
        raise PermissionError(errno.EACCES, "denied")


def test_what_was_there_stays_if_the_disk_is_full_and_no_half_is_left(tmp_path, monkeypatch):
    tables.write_json(tmp_path / "a.json", {"n": 1})

    def full(descriptor):
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "fsync", full)
    with (
        pytest.raises(ResetError, match=r"a.json: no space left on device; finished work"),
        atomic.atomic(tmp_path / "a.json") as temporary,
    ):
        temporary.write_text("half")
    assert tables.read_json(tmp_path / "a.json") == {"n": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_folder_names_itself_and_not_its_temporary_one_if_the_disk_is_full(tmp_path):
    with (
        pytest.raises(ResetError, match=f"^{tmp_path}/export: no space left on device; finished work is kept"),
        atomic.whole_folder(tmp_path / "export") as folder,
    ):
        (folder / "train.parquet").write_text("half")
        raise OSError(errno.ENOSPC, "no space")
    assert not [*tmp_path.iterdir()]


def test_a_folder_that_cannot_be_made_or_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(ResetError, match=r"file/sub/a\.json: cannot be written \(not a directory\): name a folder"):
        tables.write_json(tmp_path / "file/sub/a.json", {})
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ResetError, match=r"a\.json: cannot be written \(permission denied, or a read-only disk\)"):
        tables.write_json(tmp_path / "a.json", {})


def test_the_temporary_file_of_a_process_that_may_not_be_looked_at_stays(tmp_path, monkeypatch):
    mine = atomic.temporary_of(tmp_path / "a.json")
    mine.write_text("half")

    def denied(pid):
        raise psutil.AccessDenied(pid)

    monkeypatch.setattr(atomic, "began", denied)
    atomic._left_over.cache_clear()
    assert atomic._left_over(tmp_path) == {}


def test_a_copy_is_that_of_the_file(tmp_path):
    (tmp_path / "a").write_bytes(b"\x00rows")
    atomic.copy(tmp_path / "a", tmp_path / "sub" / "b")
    assert (tmp_path / "sub" / "b").read_bytes() == b"\x00rows"


def test_rows_are_written_as_a_table_of_commas(tmp_path):
    tables.write_csv(tmp_path / "a.csv", [{"a": 1, "b": "x, y"}, {"a": 2, "b": None}])
    assert (tmp_path / "a.csv").read_text() == 'a,b\n1,"x, y"\n2,\n'
    tables.write_csv(tmp_path / "a.csv", [])
    assert (tmp_path / "a.csv").read_text().strip() == ""
