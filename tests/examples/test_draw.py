import pytest

from reset.errors import ResetError
from reset.examples.draw import draw
from reset.files import schemas, tables


def put(folder, dataset, numbers, split="train"):
    tables.write(
        folder / dataset / f"{split}.parquet",
        schemas.EXAMPLES,
        (
            {
                "example_id": f"{dataset}/{split}/{number}",
                "dataset": dataset,
                "split": split,
                "task": "instruction",
                "instruction": f"do {number}",
                "question": "",
                "passages": [],
                "references": [],
                "checks": None,
            }
            for number in numbers
        ),
    )


def drawn(folder, rows, *, skip=0, seed=0, left_out=()):
    into = folder / "prompts" / "p.parquet"
    account, counts = draw(folder, into, split="train", skip=skip, rows=rows, seed=seed, left_out=dict(left_out))
    return [row["example_id"] for row in tables.read(into, schemas.EXAMPLES)], account, counts


def test_so_many_of_each_data_set_are_drawn_and_the_rest_is_accounted_for(tmp_path):
    put(tmp_path, "a", range(30))
    put(tmp_path, "b", range(10))
    ids, account, counts = drawn(tmp_path, {"b": 3, "a": 5})
    assert [example_id[0] for example_id in ids] == ["b"] * 3 + ["a"] * 5
    assert counts == {"b": 3, "a": 5}
    assert account.as_dict() == {"rows_in": 40, "rows_out": 8, "set_aside": {"not drawn": 32}}


def test_the_choice_is_seeded_and_not_that_of_the_file(tmp_path):
    put(tmp_path, "a", range(100))
    first, again, other = (drawn(tmp_path, {"a": 10}, seed=seed)[0] for seed in (0, 0, 1))
    assert first == again != other and first != sorted(first)


def test_rows_in_another_order_or_added_rows_move_no_other(tmp_path):
    put(tmp_path, "a", range(50))
    before = drawn(tmp_path, {"a": 50})[0]
    put(tmp_path, "a", reversed(range(80)))
    after = drawn(tmp_path, {"a": 80})[0]
    assert [example_id for example_id in after if example_id in before] == before


def test_skipped_rows_are_those_that_another_set_drew_first(tmp_path):
    put(tmp_path, "a", range(30))
    first, second = drawn(tmp_path, {"a": 10})[0], drawn(tmp_path, {"a": 10}, skip=10)[0]
    assert first + second == drawn(tmp_path, {"a": 20})[0]


def test_fewer_than_asked_is_fine_and_counted(tmp_path):
    put(tmp_path, "a", range(4))
    ids, _, counts = drawn(tmp_path, {"a": 10})
    assert len(ids) == 4 and counts == {"a": 4}


def test_a_data_set_with_nothing_to_draw_is_an_error_and_leaves_no_file(tmp_path):
    put(tmp_path, "a", range(4))
    put(tmp_path, "b", [])
    for rows, skip, message in (
        ({"a": 2, "b": 2}, 0, "p: data set 'b' has no train example to draw$"),
        ({"a": 2}, 4, "p: data set 'a' has no train example to draw after the first 4$"),
        ({"c": 2}, 0, "train.parquet: no such file"),
    ):
        with pytest.raises(ResetError, match=message):
            drawn(tmp_path, rows, skip=skip)
        assert not list((tmp_path / "prompts").iterdir())


def test_screened_rows_are_not_drawn_and_are_counted(tmp_path):
    put(tmp_path, "a", range(5))
    ids, account, _ = drawn(tmp_path, {"a": 5}, left_out={"a/train/1": "a test's prompt"})
    assert sorted(ids) == ["a/train/0", "a/train/2", "a/train/3", "a/train/4"]
    assert account.as_dict() == {"rows_in": 5, "rows_out": 4, "set_aside": {"a test's prompt": 1}}


def test_of_a_data_set_that_gives_no_prompt_every_row_is_accounted_for(tmp_path):
    put(tmp_path, "a", range(4))
    _, account, _ = drawn(tmp_path, {"a": 0}, left_out={"a/train/1": "seen"})
    assert account.as_dict() == {"rows_in": 4, "rows_out": 0, "set_aside": {"seen": 1, "not drawn": 3}}
