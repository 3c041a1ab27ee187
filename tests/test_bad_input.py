"""What users' files hold beside good records: each is counted with file and line, or stops the stage in one line."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reset.errors import ResetError
from reset.examples import fetch, prepare
from reset.sources.own import Own

FIELDS = {"id": "id", "question": "q", "passages": "context", "references": "answer"}


def good(number: int, **more: Any) -> dict[str, Any]:
    return {"id": str(number), "q": f"Who {number}?", "context": f"Ada wrote {number}.", "answer": "Ada", **more}


def line(number: int, **more: Any) -> bytes:
    return json.dumps(good(number, **more)).encode()


def run(path: Path, folder: Path, max_broken: float = 0.2) -> tuple[dict[str, Any], Any]:
    """Fetch and prepare a file of extractive questions; the facts of the first, the account of the second."""
    source = Own(task="extractive_qa", fields=FIELDS)
    facts = fetch.fetch(source, path=path, revision=None, into=folder / "raw", max_broken=max_broken)
    limits = {"max_set_aside": 0.5, "max_broken": max_broken, "max_chars": 1_000_000}
    shares = {"train": 1.0}
    return facts, prepare.prepare(source, folder / "raw", folder / "out", dataset="mine", shares=shares, **limits)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (line(0, q="Other?"), "duplicate id"),
        (line(10, context=" "), "empty context"),
        (line(10, answer=""), "empty answer"),
        (line(10, answer=None), "empty answer"),
        (line(10, q=""), "empty question"),
        (line(10, answer="Bob"), "no passage holds the answer"),
        (line(10, q="Who\0?"), "NUL character"),
        (line(10, q="Who\ud83d?"), "broken Unicode"),
        (line(10, q=7), "broken record"),
        (b'{"id": "10"}', "broken record"),
        (line(10, context="Ada " + "x" * 50_000_000), "over 1000000 characters"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_row_is_counted_with_its_file_and_line(tmp_path, bad, reason):
    rows = [line(number) for number in range(9)]
    (tmp_path / "x.jsonl").write_bytes(b"\n".join([*rows[:4], bad, *rows[4:]]) + b"\n")
    facts, account = run(tmp_path / "x.jsonl", tmp_path)
    assert account.as_dict() == {"rows_in": 10, "rows_out": 9, "set_aside": {reason: 1}}
    assert account.where[reason][0].startswith(f"{tmp_path}/raw/records.jsonl:5")
    assert "broken" not in facts


@pytest.mark.parametrize("bad", [b'{"id": "10", "q": "\xe4"}', b'{"id": "10", "q": "\0"}', b'{"id": "10', b"[1]"])
def test_a_line_that_is_no_record_is_counted_with_the_user_s_file_and_line(tmp_path, bad):
    rows = [line(number) for number in range(9)]
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(b"\n".join([*rows[:4], bad, *rows[4:]])))
    facts, account = run(tmp_path / "x.jsonl.gz", tmp_path)
    assert (facts["broken"]["lines"], account.rows_out) == (1, 9)
    assert facts["broken"]["where"][0].startswith(f"{tmp_path}/x.jsonl.gz:5: ")


def test_a_parquet_file_of_another_schema_is_counted_row_by_row_or_stops(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    pq.write_table(pa.Table.from_pylist([good(number) for number in range(9)]), folder / "a.parquet")
    pq.write_table(pa.Table.from_pylist([{"id": "10", "query": "Who?"}]), folder / "b.parquet")
    _, account = run(folder, tmp_path)
    assert account.as_dict() == {"rows_in": 10, "rows_out": 9, "set_aside": {"broken record": 1}}
    place = f"{tmp_path}/raw/records.jsonl:10: lacks the field 'context' (has: id, query)"
    assert account.where == {"broken record": [place]}
    with pytest.raises(ResetError) as caught:
        run(folder, tmp_path, max_broken=0.05)
    assert caught.value.message == (
        f"mine: 1 of 10 records are broken, more than prepare.max_broken (5.0%); first: {place}"
    )


def test_a_truncated_gzip_stops_in_one_line(tmp_path):
    content = gzip.compress(b"\n".join(map(line, range(500))))
    (tmp_path / "x.jsonl.gz").write_bytes(content[:-30])
    with pytest.raises(ResetError) as caught:
        run(tmp_path / "x.jsonl.gz", tmp_path)
    assert caught.value.message.startswith(f"{tmp_path}/x.jsonl.gz: damaged gzip file (")
    assert "\n" not in caught.value.message
    assert not (tmp_path / "raw").exists()
