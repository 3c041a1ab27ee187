"""The split that a file's path says, and what of a folder is read."""

from pathlib import Path

import pytest

from reset.errors import ResetError
from reset.examples.origins import locate, split_of
from reset.sources import Where


class Plain:
    """A source of which only the place matters."""

    where = Where()

    def outcomes(self, records):
        """Nothing."""
        return iter(())


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train.csv", "train"),
        ("data/train-00000-of-00002-0f3aec.parquet", "train"),
        ("nq-dev.json.gz", "dev"),
        ("VALIDATION.csv", "dev"),
        ("my_val.jsonl", "dev"),
        ("test1.csv", "test"),
        ("dev_v2.1.json", "dev"),
        ("TestSet.csv", "test"),
        ("testset.csv", "test"),
        ("trainData2024.jsonl", "train"),
        ("training/part-0.csv", "train"),
        ("test/test-0.csv", "test"),
        ("latest.csv", "records"),
        ("contest_results.csv", "records"),
        ("developers.csv", "records"),
        ("restrained.csv", "records"),
        ("evaluation.csv", "records"),
        ("questions.csv", "records"),
    ],
)
def test_words_of_a_path_say_its_split(name, split):
    assert split_of(name, Where()) == split


@pytest.mark.parametrize("name", ["train_test.csv", "test/train.csv", "train/dev/x.jsonl"])
def test_a_path_that_says_two_splits_is_told(name):
    with pytest.raises(ResetError, match=r"its name says more than one split \(.*\): rename it"):
        split_of(name, Where())


def test_a_split_that_serves_as_another_says_that_one():
    where = Where(splits={"train": "train", "test": "validation"})
    assert [split_of(name, where) for name in ("dev.json", "train.json", "test.json")] == ["test", "train", "test"]


def found(folder: Path) -> tuple[list[str], tuple[str, ...]]:
    origin = locate(Plain(), path=folder, revision=None, downloads=folder)
    return [f"{stream.split} {Path(stream.origin).name}" for stream in origin.streams], origin.not_read


def files(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}\n")
    return folder


def test_files_of_a_folder_that_are_not_read_are_named(tmp_path):
    folder = files(tmp_path, "a.csv", "b.JSONL", "README.md", "c.xlsx", ".hidden.csv", ".git/d.csv", "state.json")
    assert found(folder) == (
        ["records a.csv", "records b.JSONL"],
        (".git/d.csv", ".hidden.csv", "README.md", "c.xlsx", "state.json"),
    )


def test_a_folder_that_is_named_like_a_file_is_looked_into(tmp_path):
    assert found(files(tmp_path, "all.parquet/part-0.parquet", "all.parquet/_SUCCESS")) == (
        ["records part-0.parquet"],
        ("all.parquet/_SUCCESS",),
    )


def test_the_name_of_the_folder_counts_where_no_file_in_it_says_a_split(tmp_path):
    assert found(files(tmp_path / "test", "a.csv", "b.csv"))[0] == ["test a.csv", "test b.csv"]
    assert found(files(tmp_path / "dev", "train.csv", "b.csv"))[0] == ["records b.csv", "train train.csv"]
    assert found(files(tmp_path / "my_test_run", "a.csv"))[0] == ["records a.csv"]


def test_a_name_that_may_be_dev_or_test_is_not_guessed_beside_files_with_a_split(tmp_path):
    assert found(files(tmp_path / "one", "eval.csv"))[0] == ["records eval.csv"]
    with pytest.raises(ResetError, match=r"eval\.csv: beside files with a split it may be dev or test: rename it"):
        found(files(tmp_path / "two", "eval.csv", "train.csv"))


@pytest.mark.parametrize("name", ["test.xlsx", "test.csv.bz2", "held/Test-0.avro"])
def test_a_file_that_is_not_read_stops_where_it_alone_has_a_split(tmp_path, name):
    with pytest.raises(ResetError, match=r"its name says test, but its format is not read: convert it to one of"):
        found(files(tmp_path, "train.jsonl", name))


def test_a_file_that_is_not_read_is_named_where_another_has_its_split_or_it_holds_notes(tmp_path):
    others = found(files(tmp_path, "train.jsonl", "test.ndjson", "test.xlsx", "dev_notes.md"))[1]
    assert others == ("dev_notes.md", "test.xlsx")
