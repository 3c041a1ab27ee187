"""What users' files hold beside good records: each is counted with file and line, or stops the stage in one line."""

import csv
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reset.errors import ResetError
from reset.examples import fetch, prepare
from reset.files import schemas, tables
from reset.files.row_accounts import Account
from reset.sources.own import Own
from tests.support import SHARED

pytestmark = pytest.mark.slow

TRAIN: Mapping[str, float] = {"train": 1.0}
FIELDS: Mapping[str, str] = {"id": "id", "question": "q", "passages": "context", "references": "answer"}


def good(number: int, **more: Any) -> dict[str, Any]:
    return {"id": str(number), "q": f"Who {number}?", "context": f"Ada wrote {number}.", "answer": "Ada", **more}


def line(number: int, **more: Any) -> bytes:
    return json.dumps(good(number, **more)).encode()


def run(
    path: Path,
    folder: Path,
    max_broken: float = 0.2,
    shares: Mapping[str, float] = TRAIN,
    fields: Mapping[str, str] = FIELDS,
) -> tuple[dict[str, Any], Account]:
    """Fetch and prepare a file of extractive questions; the facts of the first, the account of the second."""
    source = Own(task="extractive_qa", fields=fields)
    facts = fetch.fetch(source, path=path, revision=None, into=folder / "raw", max_broken=max_broken)
    limits = {"max_set_aside": 0.5, "max_broken": max_broken, "max_chars": 1_000_000}
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
    assert facts["set_aside"] == {}


@pytest.mark.parametrize("bad", [b'{"id": "10", "q": "\xe4"}', b'{"id": "10", "q": "\0"}', b'{"id": "10', b"[1]"])
def test_a_line_that_is_no_record_is_counted_with_the_user_s_file_and_line(tmp_path, bad):
    rows = [line(number) for number in range(9)]
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(b"\n".join([*rows[:4], bad, *rows[4:]])))
    facts, account = run(tmp_path / "x.jsonl.gz", tmp_path)
    assert (facts["set_aside"], account.rows_out) == ({"no valid record": 1}, 9)
    assert facts["where"]["no valid record"][0].startswith(f"{tmp_path}/x.jsonl.gz:5: ")


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


COMPOSED = {"train": 0.8, "dev": 0.05, "test": 0.15}  # the shares of conf/scale/own.yaml


def questions(folder: Path, split: str) -> set[str]:
    return {row["question"] for row in tables.read(folder / f"out/{split}.parquet", schemas.EXAMPLES)}


def test_a_test_file_stays_the_test_set_whatever_shares_say(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/train.jsonl").write_bytes(b"\n".join(line(number) for number in range(60)))
    (tmp_path / "in/test.jsonl").write_bytes(b"\n".join(line(number) for number in range(60, 90)))
    _, account = run(tmp_path / "in", tmp_path, shares=COMPOSED)
    assert account.kept_by == {"train by file": 60, "test by file": 30}
    assert questions(tmp_path, "test") == {f"Who {number}?" for number in range(60, 90)}


def test_a_split_column_decides_where_it_says_something_and_shares_the_rest(tmp_path):
    says = ["TEST", "train", None, "valid"]
    (tmp_path / "x.jsonl").write_bytes(b"\n".join(line(number, fold=says[number % 4]) for number in range(80)))
    _, account = run(tmp_path / "x.jsonl", tmp_path, shares=COMPOSED, fields={**FIELDS, "split": "fold"})
    counts = {name: count for name, count in account.kept_by.items() if "shares" not in name}
    assert counts == {"test by column": 20, "train by column": 20, "dev by column": 20}
    assert {f"Who {number}?" for number in range(0, 80, 4)} <= questions(tmp_path, "test")


def test_a_binary_column_is_text_and_one_that_is_not_is_broken_only_where_it_is_read(tmp_path):
    rows = [{**good(number), "context": f"Ad\u00e1 wrote {number}. Ada".encode()} for number in range(10)]
    rows[4]["context"] = "Ada Lovelac\u00e9".encode("latin-1")
    table = pa.Table.from_pylist([{**row, "image": b"\xff\xd8"} for row in rows])
    pq.write_table(table, tmp_path / "x.parquet")
    _, account = run(tmp_path / "x.parquet", tmp_path)
    assert account.as_dict() == {"rows_in": 10, "rows_out": 9, "set_aside": {"broken record": 1}}
    assert account.where["broken record"] == [
        f"{tmp_path}/raw/records.jsonl:5: the field 'context' must be a list of texts, is 12 bytes, not UTF-8: "
        "byte 0xe9, perhaps Latin-1 or Windows-1252"
    ]
    contexts = {row["passages"][0] for row in tables.read(tmp_path / "out/train.parquet", schemas.EXAMPLES)}
    assert "Ad\u00e1 wrote 0. Ada" in contexts


def test_a_nan_is_null_whether_it_is_an_id_or_a_column_that_is_not_used(tmp_path):
    rows = [good(number, note=float("nan")) | {"id": float("nan") if number < 5 else number} for number in range(10)]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    _, account = run(tmp_path / "x.jsonl", tmp_path)
    assert account.as_dict() == {"rows_in": 10, "rows_out": 10, "set_aside": {}}


def test_an_index_column_without_a_name_is_no_id(tmp_path):
    (tmp_path / "in").mkdir()
    for name, start in (("a.csv", 0), ("b.csv", 50)):
        with (tmp_path / "in" / name).open("w", newline="") as stream:
            table = csv.writer(stream)
            table.writerow(["", "q", "context", "answer"])
            table.writerows([n, f"Who {start + n}?", f"Ada wrote {start + n}.", "Ada"] for n in range(10))
    fields = {part: column for part, column in FIELDS.items() if part != "id"}
    _, account = run(tmp_path / "in", tmp_path, fields=fields)
    assert account.as_dict() == {"rows_in": 20, "rows_out": 20, "set_aside": {}}


CASES: list[tuple[str, dict[str, str], dict[str, int] | str]] = [  # file, more fields, rows per split or the message
    ("split_by_file", {}, {"train": 60, "dev": 0, "test": 30}),
    ("split_by_column.jsonl", {"split": "split"}, {"train": 20, "dev": 0, "test": 10}),
    ("unclosed_quote.csv", {}, "unclosed_quote.csv:7: a quote in this record is never closed"),
    ("two_arrays.json", {}, "two_arrays.json:2: not JSON (a second value behind the first"),
    ("binary_text.parquet", {}, {"all": 20}),
    ("nan_ids.jsonl", {"id": "id"}, {"all": 10}),
    ("multiple_choice.csv", {}, {"all": 20}),
]


@pytest.mark.parametrize(("name", "more", "expected"), CASES, ids=[case[0] for case in CASES])
def test_published_cases_lose_no_row_and_move_none(tmp_path, name, more, expected):
    path = SHARED / "cases/own" / name
    if not path.exists():
        pytest.skip(f"no {path}")
    fields = {"question": "question", "passages": "context", "references": "answer", **more}
    if isinstance(expected, str):
        with pytest.raises(ResetError) as caught:
            run(path, tmp_path, max_broken=0.01, shares=COMPOSED, fields=fields)
        assert expected in caught.value.message
        return
    _, account = run(path, tmp_path, max_broken=0.01, shares=COMPOSED, fields=fields)
    counts = {split: len(questions(tmp_path, split)) for split in schemas.SPLITS}
    assert {"all": sum(counts.values()), **counts}.items() >= expected.items()
    assert account.set_aside == {}
    if name == "binary_text.parquet":
        assert all(not text.startswith("b'") for split in schemas.SPLITS for text in questions(tmp_path, split))
