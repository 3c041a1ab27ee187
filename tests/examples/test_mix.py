"""Mixtures: parts drawn by seed, small ones repeated up to the largest, nothing lost from the account."""

from collections import Counter

import pytest

from reset.errors import ResetError
from reset.examples.draw import draw
from reset.examples.mix import mix
from reset.files import schemas, tables

SETTINGS = {
    "split": "train",
    "take": {},
    "rows": None,
    "upsample": True,
    "template": "micro",
    "seed": 0,
    "left_out": {},
}


@pytest.fixture
def examples(tmp_path, example_row):
    """A function that writes so many train examples per data set; references may be empty."""

    def write(references=("red forest",), **counts):
        for dataset, count in counts.items():
            rows = [
                example_row(example_id=f"{dataset}/train/{i}", dataset=dataset, split="train", references=references)
                for i in range(count)
            ]
            tables.write(tmp_path / "examples" / dataset / "train.parquet", schemas.EXAMPLES, rows)
        return tmp_path / "examples"

    return write


def mixed(folder, parts, **settings):
    into = folder.parent / "mixtures" / "mtl.parquet"
    account, composition = mix(folder, into, parts=parts, **{**SETTINGS, **settings})
    sizes = Counter({row["part"]: 0 for row in composition})
    for row in composition:
        sizes[row["part"]] += row["rows"]
    return list(tables.read(into, schemas.MIXTURES)), account, sizes


def test_small_parts_are_repeated_up_to_the_largest_as_evenly_as_possible(examples):
    rows, account, sizes = mixed(examples(nq=3, cnn=8), {"nq": ["nq"], "cnn": ["cnn"]})
    assert sizes == {"nq": 8, "cnn": 8}
    copies = Counter(row["example_id"] for row in rows if row["dataset"] == "nq")
    assert sorted(copies.values()) == [2, 3, 3]
    assert len({(row["example_id"], row["repeat"]) for row in rows}) == len(rows) == 16
    assert (account.rows_in, account.rows_out) == (11, 11)


def test_without_upsampling_parts_stay_as_large_as_they_are(examples):
    _, _, sizes = mixed(examples(nq=3, cnn=8), {"nq": ["nq"], "cnn": ["cnn"]}, upsample=False)
    assert sizes == {"nq": 3, "cnn": 8}


def test_the_first_reference_is_trained_on_or_one_that_the_seed_draws(examples):
    folder = examples(nq=60, references=("red", "green", "blue"))
    responses = [
        [row["response"] for row in mixed(folder, {"nq": ["nq"]}, drawn=drawn, seed=seed)[0]]
        for drawn, seed in ((False, 0), (True, 0), (True, 0), (True, 1))
    ]
    assert set(responses[0]) == {"red"}
    assert set(responses[1]) == {"red", "green", "blue"}
    assert min(Counter(responses[1]).values()) > 10
    assert responses[1] == responses[2] != responses[3]


def test_several_data_sets_can_count_as_one_part(examples):
    rows, _, sizes = mixed(examples(dolly=2, oasst=2, nq=6), {"talk": ["dolly", "oasst"], "nq": ["nq"]})
    assert sizes == {"talk": 6, "nq": 6}
    assert Counter(row["dataset"] for row in rows)["nq"] == 6


def test_without_upsampling_every_example_comes_once(examples):
    rows, *_ = mixed(examples(nq=3, cnn=8), {"nq": ["nq"], "cnn": ["cnn"]}, upsample=False)
    assert len(rows) == 11
    assert {row["repeat"] for row in rows} == {0}


def test_rows_bound_each_part_and_the_rest_is_accounted_for(examples):
    rows, account, sizes = mixed(examples(nq=3, cnn=8), {"nq": ["nq"], "cnn": ["cnn"]}, rows=5)
    assert sizes == {"nq": 5, "cnn": 5}
    assert len(rows) == 10
    assert account.as_dict() == {"rows_in": 11, "rows_out": 8, "set_aside": {"over the part's rows": 3}}


def test_more_examples_do_not_disturb_the_order_of_the_others(examples):
    few, *_ = mixed(examples(nq=5), {"nq": ["nq"]})
    many, *_ = mixed(examples(nq=20), {"nq": ["nq"]})
    ids = [row["example_id"] for row in few]
    assert [row["example_id"] for row in many if row["example_id"] in ids] == ids
    other, *_ = mixed(examples(nq=20), {"nq": ["nq"]}, seed=1)
    assert [row["example_id"] for row in other] != [row["example_id"] for row in many]


def test_examples_without_a_reference_are_set_aside(examples):
    examples(references=(), cnn=2)
    _, account, _ = mixed(examples(nq=3), {"all": ["nq", "cnn"]})
    assert account.as_dict() == {"rows_in": 5, "rows_out": 3, "set_aside": {"no reference to train on": 2}}


def test_a_row_carries_the_prompt_its_context_and_the_first_reference(examples):
    rows, *_ = mixed(examples(references=("red forest", "forest"), nq=1), {"nq": ["nq"]})
    (row,) = rows
    assert row["response"] == "red forest"
    assert row["prompt"][row["context_start"] : row["context_end"]] == "Passage: mira lives in red forest."


def test_a_part_without_training_examples_is_an_error(examples):
    examples(references=(), cnn=2)
    with pytest.raises(ResetError) as raised:
        mixed(examples(nq=3), {"nq": ["nq"], "cnn": ["cnn"]})
    assert raised.value.message == "mtl: no train examples in cnn"


def test_screened_rows_are_left_out_and_counted(examples):
    rows, account, _ = mixed(examples(nq=4), {"nq": ["nq"]}, left_out={"nq/train/2": "a test's prompt"})
    assert {row["example_id"] for row in rows} == {"nq/train/0", "nq/train/1", "nq/train/3"}
    assert account.as_dict() == {"rows_in": 4, "rows_out": 3, "set_aside": {"a test's prompt": 1}}


def test_of_a_data_set_a_count_or_a_share_is_taken(examples):
    folder, parts = examples(dolly=10, sharegpt=20, oasst=4), {"talk": ["dolly", "sharegpt", "oasst"]}
    rows, account, _ = mixed(folder, parts, take={"dolly": 3, "sharegpt": 0.25})
    assert Counter(row["dataset"] for row in rows) == {"dolly": 3, "sharegpt": 5, "oasst": 4}
    assert account.as_dict() == {"rows_in": 34, "rows_out": 12, "set_aside": {"over what is taken of its data set": 22}}
    more, *_ = mixed(folder, parts, take={"dolly": 4, "sharegpt": 0.25})
    assert {row["example_id"] for row in rows} < {row["example_id"] for row in more}


def test_a_count_above_what_there_is_takes_all(examples):
    rows, *_ = mixed(examples(nq=3), {"nq": ["nq"]}, take={"nq": 9})
    assert len(rows) == 3


def test_the_composition_says_what_each_data_set_gives(examples):
    folder = examples(dolly=2, oasst=1, nq=6)
    _, composition = mix(folder, folder / "m.parquet", parts={"talk": ["dolly", "oasst"], "nq": ["nq"]}, **SETTINGS)
    assert composition == [
        {"part": "talk", "dataset": "dolly", "examples": 2, "rows": 4, "share": 0.3333},
        {"part": "talk", "dataset": "oasst", "examples": 1, "rows": 2, "share": 0.1667},
        {"part": "nq", "dataset": "nq", "examples": 6, "rows": 6, "share": 0.5},
    ]


def test_a_mixture_that_takes_as_many_holds_the_examples_that_a_pool_answers(examples, tmp_path):
    folder = examples(nq=40, cnn=30)
    rows, _, _ = mixed(folder, {"all": ["nq", "cnn"]}, take={"nq": 7, "cnn": 5})
    into = tmp_path / "prompts.parquet"
    draw(folder, into, split="train", skip=0, rows={"nq": 7, "cnn": 5}, seed=0, left_out={})
    drawn = {row["example_id"] for row in tables.read(into, schemas.EXAMPLES)}
    assert len(drawn) == 12
    assert {row["example_id"] for row in rows} == drawn
