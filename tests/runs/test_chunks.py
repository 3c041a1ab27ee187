import pyarrow as pa
import pytest

from reset.errors import ResetError
from reset.files.hashing import file_hash, fingerprint
from reset.runs.chunks import Chunks

SCHEMA = pa.schema([pa.field("n", pa.int64())])


def rows(*numbers):
    return [{"n": number} for number in numbers]


def killed_after(count):
    yield from rows(*range(count))
    raise KeyboardInterrupt


def test_a_fingerprint_is_that_of_its_parts_in_any_order():
    assert fingerprint(a=1, b=[2, {"c": None}]) == fingerprint(b=[2, {"c": None}], a=1)
    assert len({fingerprint(a=1), fingerprint(a="1"), fingerprint(b=1), fingerprint(a=1, b=None)}) == 4
    assert len(fingerprint()) == 16 and int(fingerprint(), 16) >= 0


def test_a_folder_hash_changes_with_a_content_a_name_or_a_new_file(tmp_path):
    (tmp_path / "sub").mkdir()
    hashes = set()
    for name, content in (("a", "1"), ("a", "2"), ("sub/a", "1"), ("b", "2")):
        (tmp_path / name).write_text(content)
        hashes.add(file_hash(tmp_path))
    assert len(hashes) == 4
    assert file_hash(tmp_path) == file_hash(tmp_path)


def test_equal_folders_at_other_places_have_equal_hashes(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_text("same")
    assert file_hash(tmp_path / "a") == file_hash(tmp_path / "b") != file_hash(tmp_path / "a" / "x")


def test_what_python_compiles_in_a_folder_does_not_change_its_hash(tmp_path):
    (tmp_path / "judge.py").write_text("1")
    before = file_hash(tmp_path)
    compiled = tmp_path / "sub" / "__pycache__"
    compiled.mkdir(parents=True)
    (compiled / "judge.cpython-311.pyc").write_text("2")
    assert file_hash(tmp_path) == before
    (tmp_path / "sub" / "pycache").write_text("2")
    assert file_hash(tmp_path) != before


def test_a_hash_of_nothing_is_an_error(tmp_path):
    with pytest.raises(ResetError, match="gone: no such file or folder"):
        file_hash(tmp_path / "gone")


def test_chunks_come_back_in_the_order_asked(tmp_path):
    store = Chunks(tmp_path, "mine")
    store.write(1, SCHEMA, rows(3))
    store.write(0, SCHEMA, rows(1, 2))
    assert [row["n"] for row in store.assemble(SCHEMA, [0, 1])] == [1, 2, 3]
    assert store.has(0) and store.has(1) and not store.has(2)


def test_a_half_written_chunk_does_not_count(tmp_path):
    store = Chunks(tmp_path, "mine")
    with pytest.raises(KeyboardInterrupt):
        store.write(0, SCHEMA, killed_after(6_000))
    (tmp_path / "mine" / ".000001.parquet.77.tmp").write_text("left by a kill -9")
    assert not store.has(0) and not store.has(1)


class Known:
    """A chunk's input, of which all rows must be computed."""

    rest = (1,)

    def rows(self, computed):
        return computed


@pytest.mark.parametrize("damage", ["cut", "turned", "empty"])
def test_a_damaged_chunk_is_made_again(tmp_path, caplog, damage):
    store, made = Chunks(tmp_path, "mine"), []
    for number in range(3):
        store.write(number, SCHEMA, rows(*range(number, 2_000)))
    (path,) = tmp_path.glob("mine/000001.*.parquet")
    whole = path.read_bytes()
    turned = whole[:200] + bytes([whole[200] ^ 1]) + whole[201:]
    path.write_bytes({"cut": whole[:-100], "turned": turned, "empty": b""}[damage])

    store = Chunks(tmp_path, "mine")

    def spread(missing, build):
        for number, _ in missing:
            made.append(number)
            yield number, rows(*range(number, 2_000))

    assert [*store.fill(SCHEMA, [(n, Known()) for n in range(3)], None, spread)] == [(0, True), (1, False), (2, True)]
    assert made == [1] and path.read_bytes() == whole
    assert caplog.messages == [f"{path}: damaged; it is made again"]


class Found(Known):
    """A chunk's input, of which nothing must be computed."""

    rest = ()

    def rows(self, computed):
        return [*rows(7, 8), *computed]


def test_a_chunk_is_computed_once_or_found_and_each_is_told_as_soon_as_it_is_there(tmp_path):
    store = Chunks(tmp_path, "mine")
    assert not store.sound(0)

    def spread(missing, build):
        for number, rest in missing:
            assert rest == (1,)
            yield number, rows(number)

    pieces = [(0, Found()), (1, Known()), (2, Found())]
    assert [*store.fill(SCHEMA, pieces, None, spread)] == [(0, True), (1, False), (2, True)]
    assert list(store.assemble(SCHEMA, range(3))) == rows(7, 8, 1, 7, 8)
    assert [*Chunks(tmp_path, "mine").fill(SCHEMA, pieces, None, spread)] == [(0, True), (1, True), (2, True)]


def test_another_fingerprint_sees_no_chunk_and_can_be_discarded(tmp_path):
    old, new = Chunks(tmp_path, "old"), Chunks(tmp_path, "new")
    old.write(0, SCHEMA, rows(1))
    assert not new.has(0)
    new.write(0, SCHEMA, rows(2))
    (tmp_path / "note").write_text("not a store")
    new.discard_others()
    assert new.has(0) and not old.has(0) and (tmp_path / "note").is_file()


def test_discarding_and_clearing_where_nothing_is_does_no_harm(tmp_path):
    store = Chunks(tmp_path / "absent", "mine")
    store.discard_others()
    store.clear()
    store.write(0, SCHEMA, rows(1))
    store.clear()
    assert not store.has(0)
