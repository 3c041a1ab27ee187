"""Training rows that repeat a test are found across data sets, whatever their marks and case."""

import pytest

from reset.examples import screen as module
from reset.examples.screen import screen
from reset.examples.seeded_order import left_out
from reset.files import schemas, tables

TEXT = " ".join(f"word{number}" for number in range(60))
NEAR = {"threshold": 0.8, "permutations": 128, "shingle": 3, "duplicates": "drop"}


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
            tables.write(tmp_path / "examples" / dataset / f"{split}.parquet", schemas.EXAMPLES, rows)
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
        tables.write(tmp_path / f"examples/d{number}/train.parquet", schemas.EXAMPLES, [row])
    tables.write(tmp_path / "examples/nq/test.parquet", schemas.EXAMPLES, [test])
    assert screened(tmp_path / "examples")[0] == {"d0/train/0": "a test's prompt"}


@pytest.mark.parametrize(("duplicates", "left"), [("drop", {"b/train/1", "c/dev/0"}), ("keep", set())])
def test_rows_that_two_data_sets_share_are_used_once(examples, duplicates, left):
    folder = examples(
        alpaca_test=["Name the moon."],
        a_train=["Name the sun.", "Count to two."],
        b_train=["Name a star.", "Name  the\nsun."],
        b_dev=["Name it."],
        c_dev=["Name a star."],
    )
    into = folder.parent / "screen.parquet"
    account, _ = screen(folder, into, near="off", **{**NEAR, "duplicates": duplicates})
    assert left_out(into) == dict.fromkeys(left, "duplicate of another data set's")
    assert (account.rows_in, account.rows_out) == (6, 6 - len(left))


def test_a_row_that_repeats_a_test_goes_for_that_reason_and_once(examples):
    folder = examples(alpaca_test=["Name the moon."], a_train=["Name the moon."], b_train=["Name the moon."])
    found, account, _ = screened(folder)
    assert found == dict.fromkeys(["a/train/0", "b/train/0"], "a test's prompt")
    assert account.rows_out == 0


def test_processes_find_what_one_finds(examples, monkeypatch):
    texts = [f"{TEXT} number {number}" for number in range(12)]
    monkeypatch.setattr(tables, "ROW_GROUP", 5)
    folder = examples(alpaca_test=texts[:3], dolly_train=texts[2:], oasst_train=[*texts[5:8], "Name it."])
    alone = screened(folder, "drop")
    monkeypatch.setattr(module, "ALONE", 0)
    several = screened(folder, "drop")
    assert several[0] == alone[0]
    assert (several[1].as_dict(), several[2]) == (alone[1].as_dict(), alone[2])
    assert len(alone[0]) == 13
