"""The store: values by key, safe against kills, damage and a second writer, and bounded."""

import logging
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reset.runs import store
from reset.runs.store import Store, key
from tests.support import ROOT
from tests.support.clones import initialise
from tests.support.pace import at_most
from tests.support.waiting import until

pytestmark = pytest.mark.slow


def open_store(root, mark="mark", max_gb=1.0):
    return Store(root, "answers", mark, max_gb)


def path_of(root, mark="mark"):
    return root / ".store/answers" / f"{mark}.sqlite"


def keys(count):
    return [key("a", number) for number in range(count)]


def fill(root, count, mark="mark"):
    with open_store(root, mark) as kept:
        kept.put({name: {"n": number, "text": "x" * 100} for number, name in enumerate(keys(count))})


def read(root, count, mark="mark"):
    with open_store(root, mark) as kept:
        return kept.get(keys(count))


def test_values_come_back_by_key_and_are_counted(tmp_path):
    values = {key("a"): {"text": "b\u00e9 \u4e2d", "p": -0.1 - 0.2, "none": None}, key("b"): [1, [2]]}
    with open_store(tmp_path) as kept:
        kept.put(values)
    with open_store(tmp_path) as kept:
        assert kept.get([key("a"), key("b"), key("c")]) == values
        assert str(kept) == "2 taken from the store, 1 computed"


def test_another_mark_or_key_finds_nothing(tmp_path):
    fill(tmp_path, 1)
    assert read(tmp_path, 1) and not read(tmp_path, 1, "other")
    assert len({key("a", 1), key("a", "1"), key("a1"), key(["a", 1]), key("a", 1, None)}) == 5


def test_twenty_thousand_answers_are_read_in_well_under_a_second(tmp_path):
    fill(tmp_path, 20_000)
    with at_most(1):
        assert len(read(tmp_path, 20_000)) == 20_000


def test_a_file_that_is_cut_is_begun_anew_and_never_read_as_data(tmp_path, caplog):
    fill(tmp_path, 1_000)
    whole = read(tmp_path, 1_000)
    size = path_of(tmp_path).stat().st_size
    for share in (0.0, 0.001, 0.3, 0.7, 0.99):
        os.truncate(path_of(tmp_path), int(size * share))
        assert read(tmp_path, 1_000).items() <= whole.items()
        fill(tmp_path, 1_000)
        fill(tmp_path, 1_000)  # where only the first writing found the damage
        assert read(tmp_path, 1_000) == whole
    assert "damaged" in caplog.text


def test_a_file_that_is_no_database_is_begun_anew(tmp_path, caplog):
    path_of(tmp_path).parent.mkdir(parents=True)
    path_of(tmp_path).write_text("no database at all " * 1000)
    assert read(tmp_path, 3) == {}
    fill(tmp_path, 3)
    assert len(read(tmp_path, 3)) == 3 and "damaged (file is not a database), begun anew" in caplog.text


def test_a_row_that_does_not_fit_its_checksum_is_absent_and_written_again(tmp_path):
    fill(tmp_path, 3)
    with sqlite3.connect(path_of(tmp_path)) as db:
        db.execute("UPDATE kept SET value = ? WHERE key = ?", (b'{"n": 7}', keys(3)[1]))
    assert set(read(tmp_path, 3)) == {keys(3)[0], keys(3)[2]}
    fill(tmp_path, 3)
    assert read(tmp_path, 3)[keys(3)[1]]["n"] == 1


def write_many(root, first):
    with open_store(root) as kept:
        for number in range(first, first + 2_000, 10):
            kept.put({key("w", one): one for one in range(number, number + 10)})


def test_two_writers_lose_nothing(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=write_many, args=(tmp_path, first)) for first in (0, 1_000)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    with open_store(tmp_path) as kept:
        found = kept.get([key("w", number) for number in range(3_000)])
        assert sorted(found.values()) == list(range(3_000))
        assert (kept.found, kept.missed) == (3_000, 0)


def test_a_writer_that_is_killed_leaves_whole_rows_and_no_lock(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    writer = spawn.Process(target=write_many, args=(tmp_path, 0))
    writer.start()
    until(lambda: path_of(tmp_path).exists() and path_of(tmp_path).stat().st_size >= 20_000)
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    with open_store(tmp_path) as kept:
        found = kept.get([key("w", number) for number in range(2_000)])
        assert found and len(found) % 10 == 0  # what was put together is there together
        kept.put({key("more"): 1})
        assert kept.get([key("more")])


def test_a_store_that_cannot_be_written_is_left_alone_with_a_warning(tmp_path, caplog):
    (tmp_path / ".store").write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING), open_store(tmp_path) as kept:
        kept.put({key("a"): 1})
        assert kept.get([key("a")]) == {}
    assert caplog.text.count("not used from here on") == 1


def test_a_store_that_is_locked_is_left_alone_with_a_warning(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(store, "TIMEOUT_S", 0.01)
    fill(tmp_path, 3)
    other = sqlite3.connect(path_of(tmp_path), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert read(tmp_path, 3) == {} and "(database is locked)" in caplog.text
    other.close()
    assert len(read(tmp_path, 3)) == 3


def test_nothing_is_kept_where_nothing_may_be(tmp_path):
    with open_store(tmp_path, max_gb=0.0) as kept:
        kept.put({key("a"): 1})
        assert kept.get([key("a")]) == {} and str(kept) == "nothing is kept"
    assert list(tmp_path.iterdir()) == []


def test_files_used_longest_ago_go_first_and_a_full_one_takes_no_more(tmp_path):
    for age, mark in enumerate(("new", "middle", "old")):
        fill(tmp_path, 1_000, mark)
        os.utime(path_of(tmp_path, mark), (time.time() - 1000 * age,) * 2)
    size = path_of(tmp_path, "old").stat().st_size
    with open_store(tmp_path, "new", max_gb=2.5 * size / 1e9) as kept:
        kept.get(keys(1))
    assert [file.path.stem for file in store.files(tmp_path)] == ["new", "middle"]
    with open_store(tmp_path, "new", max_gb=size / 2e9) as kept:
        kept.put({key("one more"): 1})
        assert kept.get([key("one more")]) == {}
    assert [file.path.stem for file in store.files(tmp_path)] == ["new"]


@pytest.mark.parametrize("days", [0, 30])
def test_files_that_have_not_been_used_for_days_are_found(tmp_path, days):
    for mark in ("today", "long ago"):
        fill(tmp_path, 1, mark)
    os.utime(path_of(tmp_path, "long ago"), (time.time() - 31 * store.DAY_S,) * 2)
    assert len(store.unused(tmp_path, days)) == (2 if days == 0 else 1)


STAGE = """
from pathlib import Path
from reset import tracking
from reset.runs.store import Store, key
with Store(tracking.root(), "answers", "mark", 1.0) as kept:
    kept.get([key("a")])
    kept.put({key("a"): 1})
Path("out.txt").write_text(str(kept))
"""


def command(folder, *words):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_experiment_in_a_folder_of_its_own_finds_the_projects_store(tmp_path):
    dvc, git = str(Path(sys.executable).with_name("dvc")), ["git", "-c", "user.name=t", "-c", "user.email=t@localhost"]
    (tmp_path / "stage.py").write_text(STAGE)
    (tmp_path / "params.yaml").write_text("n: 1\n")
    stage = f"cmd: {sys.executable} stage.py\n    params: [n]\n    outs: [out.txt]\n"
    (tmp_path / "dvc.yaml").write_text(f"stages:\n  one:\n    {stage}")
    initialise(tmp_path)
    (tmp_path / ".gitignore").write_text("/out.txt\n/.store\n")
    command(tmp_path, dvc, "repro")
    assert (tmp_path / "out.txt").read_text() == "0 taken from the store, 1 computed"
    command(tmp_path, *git, "add", "-A")
    command(tmp_path, *git, "commit", "-qm", "run")
    command(tmp_path, dvc, "exp", "run", "--temp", "-n", "apart", "-S", "n=2")
    command(tmp_path, dvc, "exp", "apply", "apart")
    assert (tmp_path / "out.txt").read_text() == "1 taken from the store, 0 computed"
