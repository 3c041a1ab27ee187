"""One list of spellings for files and columns."""

import pytest

from reset.files.schemas import SPLITS
from reset.sources.split_names import SPELLINGS, VAGUE, spelled, words


def test_every_spelling_says_one_of_our_splits_and_is_a_word_of_its_own():
    assert set(SPELLINGS.values()) == set(SPLITS)
    assert all(words(name) == [name] for name in SPELLINGS)


@pytest.mark.parametrize("word", [*VAGUE, "tests", "train ing", ""])
def test_other_words_say_none(word):
    assert spelled(word) is None


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("my/TestSet2.csv", ["my", "test", "set", "csv"]),
        ("TRAIN_split-v1.jsonl", ["train", "split", "v", "jsonl"]),
        ("devset.csv", ["dev", "csv"]),
        ("dataset.csv", ["data", "csv"]),
        ("set/data", ["set", "data"]),
    ],
)
def test_a_path_is_parted_into_words(path, found):
    assert words(path) == found
