import csv
import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reset.errors import ResetError
from reset.examples import formats
from reset.examples.fetch import fetch
from reset.sources import Example, Record, SetAside, Where

RECORDS = [{"id": "1", "text": "one, \u00e4"}, {"id": "2", "text": "two\nlines"}]


class Plain:
    """A source whose records are taken as they are."""

    def __init__(self, where: Where | None = None) -> None:
        self.where = where or Where(licence="CC0")

    def outcomes(self, records: Iterable[Record]) -> Iterator[Example | SetAside]:
        """Set all aside: no test here gets so far."""
        return (SetAside("unused") for _ in records)


class Made(Plain):
    """A source that generates."""

    splits = ("train", "test")

    def generate(self, split: str) -> Iterator[Record]:
        """One record."""
        yield {"id": split}


class Wrapped(Plain):
    """A source whose documents hold lists of records."""

    def unpack(self, document: Record) -> Iterator[Record]:
        """The records of one document."""
        if "items" not in document:
            raise ResetError("lacks the field 'items'")
        yield from document["items"]


def lines(records: Iterable[Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def write(path: Path, records: list[dict[str, str]] = RECORDS) -> Path:
    """Write `records` in the format that the name asks for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(records), path)
    elif path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as stream:
            table = csv.DictWriter(stream, ["id", "text"])
            table.writeheader()
            table.writerows(records)
    else:
        text = (json.dumps(records) if ".jsonl" not in path.name else lines(records)).encode()
        path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def fetched(path: Path | None, into: Path, source: Plain | None = None) -> dict[str, Any]:
    return fetch(source or Plain(), path=path, revision=None, into=into)


@pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz", "x.json", "x.json.gz", "x.parquet", "x.csv"])
def test_every_format_arrives_as_the_same_records(tmp_path, name):
    facts = fetched(write(tmp_path / name), tmp_path / "raw")
    assert read(tmp_path / "raw/records.jsonl") == RECORDS
    assert facts["records"] == {"records": 2}


def test_facts_tell_counts_bytes_sums_and_origin(tmp_path):
    facts = fetched(write(tmp_path / "in/train.jsonl"), tmp_path / "raw")
    content = (tmp_path / "raw/train.jsonl").read_bytes()
    assert facts == {
        "origin": str(tmp_path / "in/train.jsonl"),
        "revision": None,
        "licence": "CC0",
        "records": {"train": 2},
        "bytes": {"train.jsonl": len(content)},
        "sha256": {"train.jsonl": hashlib.sha256(content).hexdigest()},
    }


def test_folder_is_read_split_by_split_and_shards_are_joined(tmp_path):
    for name in ("data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet", "data/validation.jsonl"):
        write(tmp_path / "in" / name)
    (tmp_path / "in/README.md").write_text("not data")
    assert fetched(tmp_path / "in", tmp_path / "raw")["records"] == {"train": 4, "dev": 2}
    assert sorted(path.name for path in (tmp_path / "raw").iterdir()) == ["dev.jsonl", "train.jsonl"]


def test_split_that_serves_as_another_is_named_as_what_it_serves(tmp_path):
    source = Plain(Where(splits={"train": "train", "test": "validation"}))
    write(tmp_path / "in/dev_v2.1.json.gz")
    assert fetched(tmp_path / "in", tmp_path / "raw", source)["records"] == {"test": 2}


def test_long_json_array_is_read_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "CHUNK", 7)
    records = [{"id": str(number), "text": '[]{}," \\ \u00e4' * number} for number in range(30)]
    fetched(write(tmp_path / "x.json", records), tmp_path / "raw")
    assert read(tmp_path / "raw/records.jsonl") == records


def test_generating_source_is_asked_for_its_splits(tmp_path):
    facts = fetched(None, tmp_path / "raw", Made())
    assert (facts["records"], facts["origin"]) == ({"train": 1, "test": 1}, "generated")
    assert read(tmp_path / "raw/test.jsonl") == [{"id": "test"}]


def test_documents_are_unpacked_into_records(tmp_path):
    (tmp_path / "x.json").write_text(json.dumps({"items": RECORDS}))
    fetched(tmp_path / "x.json", tmp_path / "raw", Wrapped())
    assert read(tmp_path / "raw/records.jsonl") == RECORDS


def test_addresses_are_downloaded_at_the_revision(tmp_path):
    write(tmp_path / "v1/train.json.gz")
    source = Plain(
        Where(urls={"test": (tmp_path / "{revision}/train.json.gz").as_uri().replace("%7B", "{").replace("%7D", "}")})
    )
    facts = fetch(source, path=None, revision="v1", into=tmp_path / "raw")
    assert (facts["records"], facts["revision"]) == ({"test": 2}, "v1")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_half_a_surrogate_pair_survives_as_an_escape(tmp_path):
    (tmp_path / "x.jsonl").write_text('{"text": "\\ud83d"}\n')
    fetched(tmp_path / "x.jsonl", tmp_path / "raw")
    assert read(tmp_path / "raw/records.jsonl") == [{"text": "\ud83d"}]


def broken(tmp_path: Path, name: str, content: bytes, source: Plain | None = None) -> str:
    """The message about a broken file; nothing may be left behind."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ResetError) as caught:
        fetched(tmp_path / name, tmp_path / "raw", source)
    (tmp_path / name).unlink()
    assert list(tmp_path.iterdir()) == []
    assert "\n" not in caught.value.message
    return caught.value.message.replace(f"{tmp_path}/", "")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b'{"a": 1}\n{"a": \n', "x.jsonl:2: not JSON (Expecting value"),
        (b"{}\n\n[1]\n", "x.jsonl:3: a record must be a JSON object, this is a list"),
        (b'{}\n{"a": "\xe4"}\n', "x.jsonl:2: not UTF-8 (byte 7 of the line)"),
        (b'{}\n{"a": "\0"}\n', "x.jsonl:2: not JSON (Invalid control character"),
    ],
)
def test_line_that_is_no_record_stops_where_none_may_be_broken(tmp_path, content, what):
    message = broken(tmp_path, "x.jsonl", content)
    assert message.startswith(
        "x.jsonl: 1 of 2 lines are not valid records, more than prepare.max_broken (0.0%); first: " + what
    )


def test_few_broken_lines_are_counted_with_file_and_line(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"a": 1}\n{"a": "\xe4"}\nnothing\n{"a": 2}\n')
    facts = fetch(Plain(), path=path, revision=None, into=tmp_path / "raw", max_broken=0.5)
    assert facts["records"] == {"records": 2}
    assert facts["broken"]["lines"] == 2
    assert [where.split(": ")[0] for where in facts["broken"]["where"]] == [f"{path}:2", f"{path}:3"]


def test_rows_of_a_csv_file_are_broken_one_by_one(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"a,b\n1,2\n1\n1,2,3\nx,\n" + b"\xe4,2\n")
    facts = fetch(Plain(), path=path, revision=None, into=tmp_path / "raw", max_broken=0.6)
    assert read(tmp_path / "raw/records.jsonl") == [{"a": "1", "b": "2"}, {"a": "x", "b": ""}]
    assert [where.replace(f"{path}:", "") for where in facts["broken"]["where"]] == [
        "3: fewer cells than columns",
        "4: more cells than columns",
        "6: not UTF-8",
    ]


def test_truncated_gzip_is_told(tmp_path):
    content = gzip.compress(lines(RECORDS * 500).encode())[:-20]
    assert broken(tmp_path, "x.jsonl.gz", content).startswith("x.jsonl.gz: damaged gzip file (Compressed file ended")


def test_file_that_is_no_gzip_is_told(tmp_path):
    assert broken(tmp_path, "x.json.gz", b"plain") == "x.json.gz: damaged gzip file (Not a gzipped file (b'pl'))"


@pytest.mark.parametrize("content", [b'[{"a": 1}, {"a"', b'[{"a": 1},', b'[{"a": 1} '])
def test_truncated_array_is_told(tmp_path, content):
    assert broken(tmp_path, "x.json", content).startswith("x.json: not JSON (")


def test_lines_under_the_name_of_an_array_are_told_apart(tmp_path):
    message = broken(tmp_path, "x.json", b'{"a": 1}\n{"a": 2}\n')
    assert message.endswith("a file of one record per line must be named .jsonl")


@pytest.mark.parametrize("name", ["x.jsonl", "x.json", "x.csv"])
def test_empty_file_is_told(tmp_path, name):
    assert broken(tmp_path, name, b"") == f"{name}: holds no records"


def test_file_in_another_encoding_is_told(tmp_path):
    content = '[{"a": "\u00e4"}]'.encode("latin-1")
    assert broken(tmp_path, "x.json", content) == "x.json: not UTF-8 (byte 8)"
    assert "x.jsonl:1: not UTF-8" in broken(tmp_path, "x.jsonl", '{"a": 1}\n'.encode("utf-16"))


def test_file_that_is_no_parquet_is_told(tmp_path):
    assert broken(tmp_path, "x.parquet", b"no").startswith("x.parquet: not a Parquet file (")


def test_unknown_format_is_told(tmp_path):
    assert broken(tmp_path, "x.xlsx", b"PK").startswith("x.xlsx: unknown format, the file name must end in .jsonl, ")


def test_document_that_cannot_be_unpacked_is_told(tmp_path):
    message = broken(tmp_path, "x.jsonl", b'{"items": [{}]}\n{}\n', Wrapped())
    assert message.endswith("first: x.jsonl: record 2 lacks the field 'items'")


def test_missing_path_is_told(tmp_path):
    with pytest.raises(ResetError, match=r"nowhere: no such file or folder"):
        fetched(tmp_path / "nowhere", tmp_path / "raw")


def test_folder_without_data_is_told(tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(ResetError, match=r"in: holds no file whose name ends in .jsonl, "):
        fetched(tmp_path / "in", tmp_path / "raw")


def test_source_without_an_address_says_how_to_obtain_it(tmp_path):
    with pytest.raises(ResetError, match=r"cannot be downloaded automatically: register at x.example"):
        fetched(None, tmp_path / "raw", Plain(Where(how="register at x.example")))


def test_failed_download_names_the_address(tmp_path):
    source = Plain(Where(urls={"test": (tmp_path / "gone.jsonl").as_uri()}))
    with pytest.raises(ResetError, match=r"Cannot download file://.*gone.jsonl: .*set `path` to a local copy"):
        fetched(None, tmp_path / "raw", source)


class Halting(BaseHTTPRequestHandler):
    """Serves a file whose first reply breaks off halfway; knows ranges."""

    content = lines({"id": str(number)} for number in range(2_000)).encode()
    asked: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        """Send what is left of the content; of the whole, only half of what was promised."""
        asked = self.headers.get("Range")
        self.asked.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        rest = self.content[start:]
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest if asked else rest[: len(rest) // 2])

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def test_download_that_broke_off_goes_on_where_it_was(tmp_path):
    server = HTTPServer(("127.0.0.1", 0), Halting)
    Thread(target=server.serve_forever, daemon=True).start()
    source = Plain(Where(urls={"train": f"http://127.0.0.1:{server.server_port}/x.jsonl"}))
    half = len(Halting.content) // 2
    with pytest.raises(
        ResetError, match=rf"stopped at {half} of {len(Halting.content)} bytes; the next run resumes there"
    ):
        fetched(None, tmp_path / "raw", source)
    assert not (tmp_path / "raw").exists()
    assert fetched(None, tmp_path / "raw", source)["records"] == {"train": 2_000}
    assert Halting.asked == [None, f"bytes={half}-"]
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]
    server.shutdown()


def test_failure_leaves_the_former_output_as_it_was(tmp_path):
    fetched(write(tmp_path / "x.jsonl"), tmp_path / "raw")
    (tmp_path / "x.jsonl").write_text("{}\nbroken\n")
    with pytest.raises(ResetError, match=r"x.jsonl:2: not JSON"):
        fetched(tmp_path / "x.jsonl", tmp_path / "raw")
    assert read(tmp_path / "raw/records.jsonl") == RECORDS
