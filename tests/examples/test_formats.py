"""Which reader a name chooses, compression, encodings: a file is read whole, or one line says what it is."""

import codecs
import gzip
import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reset.errors import ResetError
from reset.examples import formats
from reset.examples.raw_json import Broken

RECORDS = [{"a": "1", "b": "\u00e4"}, {"a": "2", "b": "x\ny"}]
TEXTS = {
    ".jsonl": "".join(json.dumps(record) + "\n" for record in RECORDS),
    ".ndjson": "".join(json.dumps(record) + "\n" for record in RECORDS),
    ".json": json.dumps(RECORDS),
    ".csv": 'a,b\n1,\u00e4\n2,"x\ny"\n',
    ".tsv": 'a\tb\n1\t\u00e4\n2\t"x\ny"\n',
}


def packed(data: bytes, suffix: str) -> bytes:
    if suffix == ".gz":
        return gzip.compress(data)
    return pa.compress(data, codec="zstd", asbytes=True) if suffix == ".zst" else data


def written(folder: Path, name: str, data: bytes) -> Path:
    (folder / name).write_bytes(data)
    return folder / name


def fault(path: Path) -> str:
    with pytest.raises(ResetError) as caught:
        list(formats.records(path))
    assert "\n" not in caught.value.message
    return caught.value.message.replace(f"{path.parent}/", "")


@pytest.mark.parametrize("compression", formats.COMPRESSED)
@pytest.mark.parametrize("kind", formats.TEXTS)
def test_every_text_format_is_read_plain_and_compressed_whatever_the_case_of_its_name(tmp_path, kind, compression):
    for name in (f"x{kind}{compression}", f"X{kind}{compression}".upper()):
        path = written(tmp_path, name, packed(TEXTS[kind].encode(), compression))
        assert formats.known(path)
        assert list(formats.records(path)) == RECORDS


@pytest.mark.parametrize("compression", [".gz", ".zst"])
def test_a_file_of_several_compressed_pieces_is_read_to_its_end(tmp_path, compression):
    data = packed(TEXTS[".jsonl"].encode(), compression)
    assert list(formats.records(written(tmp_path, f"x.jsonl{compression}", data + data))) == RECORDS * 2


@pytest.mark.parametrize("damage", ["cut", "more"])
@pytest.mark.parametrize("compression", [".gz", ".zst"])
def test_a_damaged_compressed_file_is_told(tmp_path, compression, damage):
    data = packed(TEXTS[".jsonl"].encode() * 500, compression)
    data = data[:-9] if damage == "cut" else data + b"and more"
    assert fault(written(tmp_path, f"x.jsonl{compression}", data)).startswith(f"x.jsonl{compression}: ")


@pytest.mark.parametrize("kind", formats.TEXTS)
@pytest.mark.parametrize(
    ("encoding", "what"),
    [
        ("utf-16", "its encoding is UTF-16, must be UTF-8"),
        ("utf-16-le", "its encoding seems to be UTF-16, must be UTF-8"),
        ("utf-16-be", "its encoding seems to be UTF-16, must be UTF-8"),
        ("utf-32", "its encoding is UTF-32, must be UTF-8"),
        ("utf-32-le", "its encoding seems to be UTF-32, must be UTF-8"),
        ("utf-32-be", "its encoding seems to be UTF-32, must be UTF-8"),
    ],
)
def test_another_unicode_encoding_is_named(tmp_path, kind, encoding, what):
    assert fault(written(tmp_path, f"x{kind}", TEXTS[kind].encode(encoding))) == f"x{kind}: {what}"


@pytest.mark.parametrize("kind", formats.TEXTS)
def test_utf8_with_a_mark_is_read_as_without(tmp_path, kind):
    path = written(tmp_path, f"x{kind}", codecs.BOM_UTF8 + TEXTS[kind].encode())
    assert list(formats.records(path)) == RECORDS


@pytest.mark.parametrize("kind", formats.TEXTS)
def test_latin_1_is_guessed_at_the_place_of_its_first_letter(tmp_path, kind):
    data = TEXTS[kind].replace("\\u00e4", "\u00e4").encode("latin-1")
    faults = [item.what for item in formats.records(written(tmp_path, f"x{kind}", data)) if not isinstance(item, dict)]
    (what,) = faults
    assert "not UTF-8: byte 0xe4, perhaps Latin-1 or Windows-1252" in what
    assert what.startswith(f"{tmp_path}/x{kind}:")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (gzip.compress(b"a,b\n", mtime=0), "it is compressed by gzip, so its name must end in .gz"),
        (packed(b"a,b\n", ".zst"), "it is compressed by Zstandard, so its name must end in .zst"),
        (b"PAR1...PAR1", "it is a Parquet file, so its name must end in .parquet"),
        (b"PK\3\4...", "it is a zip archive or a workbook, must be text"),
    ],
)
def test_a_file_of_another_format_than_its_name_says_is_told(tmp_path, data, what):
    assert fault(written(tmp_path, "x.csv", data)) == f"x.csv: {what}"


def test_an_unknown_format_is_told(tmp_path):
    assert fault(written(tmp_path, "x.xlsx", b"PK")).startswith("x.xlsx: unknown format, the file name must end in ")


@pytest.mark.parametrize("kind", [*formats.TEXTS, ".parquet", ".arrow"])
def test_a_file_that_is_not_there_is_told(tmp_path, kind):
    assert fault(tmp_path / f"gone{kind}").startswith(f"gone{kind}: ")


def damaged(rng: random.Random, data: bytes) -> bytes:
    """A copy with a byte changed, a few taken out or doubled, something put in, or the end cut off."""
    place = rng.randrange(len(data))
    head, tail = data[:place], data[place:]
    some = rng.choice([1, 5, 50])
    inserted = rng.choice([b'"', b",", b"[", b"}", b"\n", b"\r", b"\0", b"\xff", b"NaN", b"\\u12"])
    return rng.choice([head + bytes([rng.randrange(256)]) + tail[1:], head + tail[some:], head + inserted + tail, head])


@pytest.mark.parametrize("name", [f"x{kind}" for kind in (*TEXTS, ".csv.gz", ".jsonl.zst", ".parquet", ".arrow")])
def test_damage_anywhere_ends_in_records_or_in_one_line(tmp_path, name):
    rng, path = random.Random(name), tmp_path / name
    table = pa.Table.from_pylist([{**record, "n": [1.5, None], "o": {"p": "q"}} for record in RECORDS * 20])
    if name.endswith(".parquet"):
        pq.write_table(table, path)
    elif name.endswith(".arrow"):
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=7)
    else:
        kind = "." + name.split(".")[1]
        path.write_bytes(packed((TEXTS[kind] * (20 if kind == ".jsonl" else 1)).encode(), path.suffix))
    whole = path.read_bytes()
    stopped = 0
    for _ in range(60):
        path.write_bytes(damaged(rng, whole))
        try:
            assert all(isinstance(item, dict | Broken) for item in formats.records(path))
        except ResetError as error:
            assert "\n" not in error.message and str(path) in error.message
            stopped += 1
    assert stopped > 0 or name in ("x.jsonl", "x.ndjson")
