"""The ledger: one row per question, committed reply by reply, shared, and kept through a kill."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from reset.errors import ResetError
from reset.llm import Question, Reply
from reset.llm.budget import estimate
from reset.llm.ledger import Ledger, location
from tests.llm.conftest import DECODING, questions
from tests.support import ROOT
from tests.support.chat_server import Server
from tests.support.waiting import until

BASE = "http://127.0.0.1/v1"
REPLY = Reply("Rating: [[7]]", "stop", "strong-0613", "fp_1", 100, 10, 0.5, 2)

RUN = """
import sys
from pathlib import Path
from reset.llm import client, settings
from reset.llm.ledger import Ledger
from tests.llm.conftest import questions
options = {"base_url": sys.argv[1], "concurrency": 4, "timeout_s": 5.0, "max_retries": 0, "max_wait_s": 600.0,
    "requests_per_minute": None, "tokens_per_minute": None, "reply_format": "text", "batch_poll_s": None,
    "prices_usd": {}, "max_cost_usd": None}
with Ledger(Path(sys.argv[2])) as ledger:
    found = client.ask(questions(int(sys.argv[3])), settings(options, judge="rater", models=[]), ledger, judge="rater",
        pool="mtl")
print(len(found))
"""


def put(ledger, question, reply=REPLY, pool="mtl", usd=0.002, base_url=BASE):
    ledger.put(question, reply, pool=pool, base_url=base_url, usd=usd)


def test_a_reply_is_found_by_judge_model_prompt_and_decoding_and_by_nothing_less(ledger):
    asked = Question("rater", "strong", "Rate it.", DECODING)
    put(ledger, asked)
    assert ledger.get(Question("rater", "strong", "Rate it.", DECODING), BASE) == REPLY
    others = [
        Question("second", "strong", "Rate it.", DECODING),
        Question("rater", "weak", "Rate it.", DECODING),
        Question("rater", "strong", "Rate it", DECODING),
        Question("rater", "strong", "Rate it.", '{"max_tokens": 20, "temperature": 1.0}'),
    ]
    assert [ledger.get(other, BASE) for other in others] == [None] * 4


def test_a_second_reply_to_one_question_is_refused(ledger):
    (asked,) = questions(1)
    put(ledger, asked)
    with pytest.raises(sqlite3.IntegrityError):
        put(ledger, asked)


def test_spend_is_told_per_judge_pool_and_model_and_unknown_prices_stay_unknown(ledger):
    for one in questions(3):
        put(ledger, one)
    put(ledger, questions(1, start=3)[0], pool="reset")
    put(ledger, questions(1, judge="other")[0], usd=None)
    rows = {(row["judge"], row["pool"]): row for row in ledger.spend()}
    assert [key for key in rows] == [("other", "mtl"), ("rater", "mtl"), ("rater", "reset")]
    assert rows["rater", "mtl"]["usd"] == pytest.approx(0.006)
    assert (rows["rater", "mtl"]["prompt_tokens"], rows["rater", "mtl"]["retries"]) == (300, 3)
    assert rows["other", "mtl"]["usd"] is None
    assert ledger.spent("rater", "mtl") == pytest.approx(0.006)
    assert [row["judge"] for row in ledger.spend("other")] == ["other"]


def to(server, count=4):
    """Four questions, over and over, each with the server that it goes to."""
    return [(question, server) for question in (questions(4) * 2)[:count]]


def test_estimate_counts_what_is_new_once_and_learns_from_what_came_back(ledger, options):
    server = options(max_cost_usd=2.0)
    first = estimate(to(server, 8), 2.0, ledger, judge="rater", pool="mtl")
    assert (first.questions, first.cached, first.completion_tokens) == (
        4,
        0,
        80,
    )  # replies of full length
    assert first.usd == pytest.approx(4 * (3 * 10 + 20 * 100) / 1e6)
    put(ledger, questions(1)[0], base_url=server.base_url)
    second = estimate(to(server), 2.0, ledger, judge="rater", pool="mtl")
    assert (second.cached, second.prompt_tokens, second.completion_tokens) == (1, 300, 30)
    assert str(second) == (
        "3 requests to make, 1 (25%) in the ledger; about 300 prompt and 30 reply tokens; about $0.01, "
        "$0.00 spent before of $2.00 allowed"
    )
    half = estimate(to(options(batch_poll_s=1.0)), None, ledger, judge="rater", pool="mtl")
    assert half.usd == pytest.approx(second.usd / 2)
    assert "price unknown" in str(estimate(to(options(prices_usd={})), None, ledger, judge="rater", pool="mtl"))


def start(server, path, count):
    arguments = [sys.executable, "-c", RUN, server.base_url, str(path), str(count)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(arguments, cwd=ROOT, env=environment, stdout=subprocess.PIPE)


@pytest.mark.slow
@pytest.mark.parametrize("kill_after", [1, 9])
def test_a_killed_run_loses_no_reply_it_had_and_asks_no_such_question_again(tmp_path, kill_after):
    """Four are in flight at most; all others that were answered when the process is killed are in the ledger."""
    path = tmp_path / "replies.sqlite"
    with Server(lambda body: time.sleep(0.05) or "[[5]]") as server:
        running = start(server, path, 40)
        until(lambda: len(server.asked) >= kill_after + 4 or running.poll() is not None)
        assert running.poll() is None
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        until(lambda: not server.busy())  # what was still on its way has come
        before = len(server.asked)
        with Ledger(path) as ledger:
            kept = sum(ledger.get(one, server.base_url) is not None for one in questions(40))
        assert before - 4 <= kept < 40
        server.asked.clear()
        again = start(server, path, 40)
        assert int(again.communicate(timeout=60)[0]) == 40
        assert len(server.asked) == 40 - kept


def test_the_ledger_is_the_projects_also_in_an_experiments_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("RESET_LEDGER", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    assert location() == tmp_path / ".ledger" / "replies.sqlite"
    monkeypatch.setenv("RESET_LEDGER", str(tmp_path / "mine"))
    assert location() == tmp_path / "mine"


def test_a_file_that_is_no_ledger_is_named(tmp_path):
    path = tmp_path / "replies.sqlite"
    path.write_text("no database at all " * 100)
    with pytest.raises(ResetError, match=r"replies\.sqlite: cannot be used as a ledger \("):
        Ledger(path)


def test_another_server_behind_the_same_model_name_has_replies_of_its_own(ledger):
    (asked,) = questions(1)
    put(ledger, asked)
    assert ledger.get(asked, "http://127.0.0.1:9/v1") is None
    put(ledger, asked, Reply("[[1]]", "stop", None, None, None, None, 0.5, 1), base_url="http://127.0.0.1:9/v1")
    assert (ledger.get(asked, BASE), ledger.get(asked, "http://127.0.0.1:9/v1").text) == (REPLY, "[[1]]")
    assert ledger.answered(asked, BASE)
    assert not ledger.answered(asked, "http://127.0.0.1:10/v1")
    assert not ledger.answered(Question("rater", "strong", "Rate it.", '{"max_tokens": 9}'), BASE)


OLD = """
CREATE TABLE replies (
    key TEXT PRIMARY KEY, judge TEXT NOT NULL, model TEXT NOT NULL, prompt TEXT NOT NULL, decoding TEXT NOT NULL,
    base_url TEXT NOT NULL, pool TEXT NOT NULL, text TEXT NOT NULL, finish_reason TEXT, served_model TEXT,
    fingerprint TEXT, prompt_tokens INTEGER, completion_tokens INTEGER, usd REAL, seconds REAL NOT NULL,
    attempts INTEGER NOT NULL, batch INTEGER NOT NULL, asked_at TEXT NOT NULL
) STRICT;
CREATE INDEX spend ON replies (judge, pool);
CREATE TABLE batches (
    file_id TEXT PRIMARY KEY, batch_id TEXT, judge TEXT NOT NULL, pool TEXT NOT NULL, base_url TEXT NOT NULL,
    submitted_at TEXT NOT NULL
) STRICT;
"""


def old_ledger(path, asked):
    values = [asked.key, asked.judge, asked.model, asked.prompt, asked.decoding, f"{BASE}/", "mtl", REPLY.text, "stop"]
    values += ["strong-0613", "fp_1", 100, 10, 0.002, 0.5, 2, 0, "2024-01-01T00:00:00Z"]
    with sqlite3.connect(path) as db:
        db.executescript(OLD)
        db.execute(f"INSERT INTO replies VALUES ({', '.join('?' * len(values))})", values)
        db.execute("INSERT INTO batches VALUES ('file-1', 'batch-1', 'rater', 'mtl', ?, 'now')", (f"{BASE}/",))


def test_an_old_ledger_is_rewritten_once_and_keeps_all_that_it_has(tmp_path):
    path, (asked,) = tmp_path / "replies.sqlite", questions(1)
    old_ledger(path, asked)
    for _ in range(2):
        with Ledger(path) as opened:
            assert opened.get(asked, BASE) == REPLY
            assert opened.open_batches("rater", BASE) == [("file-1", "batch-1", "mtl")]
            assert opened.spent("rater", "mtl") == 0.002
    with Ledger(path) as opened:
        put(opened, asked, base_url="http://127.0.0.1:9/v1")
        assert len(list(opened.rows())) == 2


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.95])
def test_a_ledger_that_is_cut_is_named_and_never_begun_anew(tmp_path, share):
    path, asked = tmp_path / "replies.sqlite", questions(300)
    with Ledger(path) as opened:
        for one in asked:
            put(opened, one)
    os.truncate(path, int(path.stat().st_size * share))
    cut = path.read_bytes()
    said = r"replies\.sqlite: cannot be used as a ledger \(.*put back a copy"
    with pytest.raises(ResetError, match=said) as raised, Ledger(path) as opened:
        assert all(opened.get(one, BASE) == REPLY for one in asked)
    assert "\n" not in raised.value.message and path.read_bytes()[100:] == cut[100:]


def test_a_ledger_that_is_locked_or_may_not_be_written_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("reset.llm.ledger.TIMEOUT_S", 0.01)
    path, (asked,) = tmp_path / "replies.sqlite", questions(1)
    with Ledger(path) as opened:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ResetError, match=r"replies\.sqlite: cannot be used as a ledger \(database is locked\)$"):
            put(opened, asked)
        other.close()
        opened._db.execute("PRAGMA query_only = 1")
        with pytest.raises(ResetError, match=r"\(attempt to write a readonly database\)$"):
            put(opened, asked)
    (tmp_path / "file").write_text("")
    with pytest.raises(ResetError, match=r"file: (Not a directory|File exists); the ledger must be written"):
        Ledger(tmp_path / "file" / "replies.sqlite")


def test_a_ledger_of_a_newer_version_is_refused(tmp_path):
    path = tmp_path / "replies.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 2")
    with pytest.raises(ResetError, match=r"replies\.sqlite: a ledger of version 2; this program reads 1 at most"):
        Ledger(path)
