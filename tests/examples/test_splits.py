"""A split that is given is kept; `shares` draws the rest; contradictions stop."""

from collections import Counter

import pytest

from reset.errors import ResetError
from reset.examples.splits import Splits

SHARES = {"train": 0.6, "dev": 0.1, "test": 0.3}


@pytest.mark.parametrize("split", ["train", "dev", "test"])
@pytest.mark.parametrize("shares", [None, SHARES, {"train": 1.0}])
def test_what_a_record_or_its_file_says_is_never_drawn(split, shares):
    splits = Splits("mine", shares, None)
    for number in range(50):
        assert splits.of(str(number), split, None) == (split, "column")
        assert splits.of(str(number), None, split) == (split, "file")
        assert splits.of(str(number), split, split) == (split, "column")


def test_a_record_that_disagrees_with_its_file_is_told():
    with pytest.raises(ResetError) as caught:
        Splits("mine", SHARES, None).of("1", "test", "train")
    assert caught.value.message == (
        "the record says test, its file's name says train: rename the file, correct the record, or leave its column "
        "out of datasets.mine.options.fields"
    )


def test_a_record_without_a_split_is_drawn_by_its_id_alone():
    splits = Splits("mine", SHARES, None)
    drawn = [splits.of(str(number), None, None) for number in range(5_000)]
    assert {rule for _, rule in drawn} == {"shares"}
    counts = Counter(split for split, _ in drawn)
    assert {split: round(counts[split] / 5_000, 1) for split in SHARES} == SHARES
    assert drawn[7] == splits.of("7", None, None)


def test_without_shares_a_record_without_a_split_is_told():
    with pytest.raises(ResetError, match=r"the record has no split, so datasets.mine.shares must be set"):
        Splits("mine", None, 0.1).of("1", None, None)


@pytest.mark.parametrize("said", [True, False])
def test_dev_rows_come_out_of_train_alone(said):
    splits = Splits("mine", None, 0.1)
    places = {"said": None, "of_file": None}
    drawn = [splits.of(str(n), **{**places, "said" if said else "of_file": "train"}) for n in range(5_000)]
    counts = Counter(drawn)
    assert counts.keys() == {("train", "column" if said else "file"), ("dev", "dev_from_train")}
    assert 400 < counts["dev", "dev_from_train"] < 600
    for split in ("dev", "test"):
        assert {splits.of(str(n), None, split)[0] for n in range(100)} == {split}


def test_rows_that_shares_draw_into_train_stay_there():
    splits = Splits("mine", {"train": 1.0}, 0.5)
    assert {splits.of(str(number), None, None) for number in range(100)} == {("train", "shares")}
