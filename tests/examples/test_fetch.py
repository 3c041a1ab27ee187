import csv
import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reset.errors import ResetError
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
        "rows_in": 2,
        "rows_out": 2,
        "set_aside": {},
        "parts": [{"from": str(tmp_path / "in/train.jsonl"), "to": "train.jsonl:1-2", "set_aside": 0}],
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


def test_broken_records_are_counted_with_file_and_line_and_no_row_is_lost(tmp_path):
    write(tmp_path / "in/a.csv")
    (tmp_path / "in/b.jsonl").write_bytes(b'{"a": 1}\n{"a": "\xe4"}\nnothing\n{"a": 2}\n')
    facts = fetch(Plain(), path=tmp_path / "in", revision=None, into=tmp_path / "raw", max_broken=0.5)
    assert (facts["rows_in"], facts["rows_out"], facts["set_aside"]) == (6, 4, {"no valid record": 2})
    places = facts["where"]["no valid record"]
    assert [place.split(": ")[0] for place in places] == [f"{tmp_path}/in/b.jsonl:2", f"{tmp_path}/in/b.jsonl:3"]
    assert [(part["to"], part["set_aside"]) for part in facts["parts"]] == [
        ("records.jsonl:1-2", 0),
        ("records.jsonl:3-4", 2),
    ]


def test_too_many_broken_records_of_one_file_stop_the_stage(tmp_path):
    message = broken(tmp_path, "x.jsonl", b'{"a": 1}\n{"a": \n')
    assert message.startswith(
        "x.jsonl: 1 of 2 records are not valid, more than prepare.max_broken (0.0%); first: x.jsonl:2: not JSON ("
    )


def test_a_named_column_that_no_record_has_is_told(tmp_path):
    class Mapped(Plain):
        """A source whose columns the user has named."""

        fields: ClassVar[dict[str, str]] = {"split": "fold", "id": "id"}

    write(tmp_path / "x.jsonl", [{"id": "1", "folds": "test"}, {"id": "2", "folds": "test"}])
    with pytest.raises(ResetError) as caught:
        fetched(tmp_path / "x.jsonl", tmp_path / "raw", Mapped())
    assert caught.value.message == (
        f"{tmp_path}/x.jsonl: no record has the column 'fold' (options.fields.split). "
        "Did you mean 'folds'? Known: folds, id"
    )
    write(tmp_path / "x.jsonl", [{"id": "1"}, {"id": "2", "fold": "test"}])
    assert fetched(tmp_path / "x.jsonl", tmp_path / "raw", Mapped())["rows_out"] == 2


def test_truncated_gzip_is_told(tmp_path):
    content = gzip.compress(lines(RECORDS * 500).encode())[:-20]
    assert broken(tmp_path, "x.jsonl.gz", content).startswith("x.jsonl.gz: damaged gzip file (Compressed file ended")


def test_file_that_is_no_gzip_is_told(tmp_path):
    assert broken(tmp_path, "x.json.gz", b"plain") == "x.json.gz: damaged gzip file (Not a gzipped file (b'pl'))"


@pytest.mark.parametrize("name", ["x.jsonl", "x.json", "x.csv"])
def test_empty_file_is_told(tmp_path, name):
    assert broken(tmp_path, name, b"") == f"{name}: holds no records"


def test_file_that_is_no_parquet_is_told(tmp_path):
    assert broken(tmp_path, "x.parquet", b"no").startswith("x.parquet: not a Parquet file (")


def test_unknown_format_is_told(tmp_path):
    assert broken(tmp_path, "x.xlsx", b"PK").startswith("x.xlsx: unknown format, the file name must end in .jsonl, ")


def test_document_that_cannot_be_unpacked_is_told(tmp_path):
    message = broken(tmp_path, "x.jsonl", b'{"items": [{}]}\n{}\n', Wrapped())
    assert message.endswith("first: x.jsonl: record 2 lacks the field 'items'")


def test_document_that_holds_nothing_is_counted(tmp_path):
    message = broken(tmp_path, "x.jsonl", b'{"items": [{}]}\n{"items": []}\n', Wrapped())
    assert message.endswith("first: x.jsonl: record 2 holds nothing to unpack")


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


def test_failure_leaves_the_former_output_as_it_was(tmp_path):
    fetched(write(tmp_path / "x.jsonl"), tmp_path / "raw")
    (tmp_path / "x.jsonl").write_text("{}\nbroken\n")
    with pytest.raises(ResetError, match=r"x.jsonl:2: not JSON"):
        fetched(tmp_path / "x.jsonl", tmp_path / "raw")
    assert read(tmp_path / "raw/records.jsonl") == RECORDS
