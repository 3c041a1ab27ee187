"""Training rows that repeat a test are found across data sets, whatever their marks and case."""

import pytest

from reset import tables
from reset.mixtures import left_out
from reset.screening import screen

TEXT = " ".join(f"word{number}" for number in range(60))
NEAR = {"threshold": 0.8, "permutations": 128, "shingle": 3}


@pytest.fixture
def examples(tmp_path, example_row):
    """A function that writes prompts of instructions: data set and split -> list of prompts."""

    def write(**prompts):
        for name, texts in prompts.items():
            dataset, _, split = name.partition("_")
            rows = [
                example_row(
                    example_id=f"{dataset}/{split}/{number}",
                    dataset=dataset,
                    split=split,
                    task="instruction",
                    instruction=text,
                    question="",
                    passages=[],
                )
                for number, text in enumerate(texts)
            ]
            tables.write(tmp_path / "examples" / dataset / f"{split}.parquet", tables.EXAMPLES, rows)
        return tmp_path / "examples"

    return write


def screened(folder, near="off"):
    into = folder.parent / "screen.parquet"
    account, pairs = screen(folder, into, near=near, **NEAR)
    return left_out(into), account, pairs


def test_a_test_prompt_of_another_data_set_is_left_out_of_training_and_dev(examples):
    folder = examples(
        alpaca_test=["Name the moon!"], dolly_train=["name  moon", "Name the sun."], dolly_dev=["Name the moon."]
    )
    found, account, _ = screened(folder)
    assert found == {"dolly/train/0": "a test's prompt", "dolly/dev/0": "a test's prompt"}
    assert account.as_dict() == {"rows_in": 3, "rows_out": 1, "set_aside": {"a test's prompt": 2}}
    assert account.where == {"a test's prompt": ["dolly/train/0 = alpaca/test/0", "dolly/dev/0 = alpaca/test/0"]}


@pytest.mark.parametrize(("near", "kept"), [("off", 2), ("count", 2), ("drop", 1)])
def test_near_duplicates_are_ignored_counted_or_dropped(examples, near, kept):
    train = [TEXT.replace("word59", "end"), TEXT[: len(TEXT) // 2]]
    folder = examples(alpaca_test=[TEXT, "Another"], dolly_train=train)
    found, account, pairs = screened(folder, near)
    assert account.rows_out == kept
    assert pairs == ({} if near == "off" else {"dolly like alpaca": 1})
    assert found == ({"dolly/train/0": "nearly a test's prompt"} if near == "drop" else {})


def test_short_prompts_of_fewer_words_than_a_shingle_are_compared_whole(examples):
    folder = examples(alpaca_test=["Name it"], dolly_train=["Name her"])
    assert screened(folder, "drop")[1].rows_out == 1


def test_questions_are_compared_with_their_passages(tmp_path, example_row):
    test = example_row(0)
    for number, passages in enumerate([test["passages"], ["mira lives in blue forest."]]):
        row = example_row(number, example_id=f"d{number}/train/0", split="train", passages=passages)
        tables.write(tmp_path / f"examples/d{number}/train.parquet", tables.EXAMPLES, [row])
    tables.write(tmp_path / "examples/nq/test.parquet", tables.EXAMPLES, [test])
    assert screened(tmp_path / "examples")[0] == {"d0/train/0": "a test's prompt"}
