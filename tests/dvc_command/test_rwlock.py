"""DVC's list of locks is there whole or as it was before, and a cut one counts as empty."""

from pathlib import Path

import pytest

from reset.dvc_command.rwlock import _Whole


class Disk:
    """DVC's file system, as far as it is asked."""

    def exists(self, path: str) -> bool:
        return Path(path).exists()


@pytest.mark.parametrize(
    ("text", "read"), [('{"write": {}}', '{"write": {}}'), ("", "{}"), ('{"wri', "{}"), ("[1]", "{}"), ("\xff", "{}")]
)
def test_a_list_that_was_cut_counts_as_empty(tmp_path: Path, text: str, read: str) -> None:
    path = tmp_path / "rwlock"
    path.write_text(text, encoding="latin-1")
    with _Whole(Disk()).open(str(path), encoding="utf-8") as stream:
        assert stream.read() == read


def test_a_list_is_as_it_was_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "rwlock"
    path.write_text('{"a": 1}')
    files = _Whole(Disk())
    with files.open(str(path), "w") as stream:
        stream.write('{"b": 2}')
        assert path.read_text() == '{"a": 1}'
    assert path.read_text() == '{"b": 2}'
    with pytest.raises(RuntimeError), files.open(str(path), "w") as stream:
        stream.write("{")
        raise RuntimeError
    assert (path.read_text(), [one.name for one in tmp_path.iterdir()]) == ('{"b": 2}', ["rwlock"])
    assert files.exists(str(path))
