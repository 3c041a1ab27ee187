import pytest

from reset.errors import ResetError
from reset.sources.retrieval import Choice, answers_of, choose, retrieved

PASSAGES = ["one", "two", "three", "four", "five", "six", "the seventh, Oslo", "Oslo again"]


def test_best_passages_stay_when_one_of_them_has_the_answer():
    assert choose(PASSAGES, ["Three"], Choice()) == PASSAGES[:5]


def test_last_passage_gives_way_to_the_best_ranked_one_with_the_answer():
    chosen = choose(PASSAGES, ["Oslo"], Choice())
    assert chosen == ["one", "two", "three", "four", "the seventh, Oslo"]


def test_depth_can_be_limited_to_the_best_passages():
    assert choose(PASSAGES, ["Oslo"], Choice(5, search_deeper=False)) is None


def test_no_passage_with_any_answer_gives_none():
    assert choose(PASSAGES, ["Bergen", "Turku"], Choice()) is None


def test_single_passage_is_replaced_whole():
    assert choose(PASSAGES, ["Oslo"], Choice(1)) == ["the seventh, Oslo"]


def test_answer_inside_a_word_does_not_count():
    assert choose(["a hundred"], ["red"], Choice()) is None


def test_answer_inside_a_word_counts_where_characters_do():
    assert choose(["a hundred"], ["The RED"], Choice(mention="characters")) == ["a hundred"]
    assert choose(["a hundred"], ["blue"], Choice(mention="characters")) is None


def test_best_passage_comes_last_where_that_is_asked_for():
    assert choose(PASSAGES, ["Oslo"], Choice(3, order="best_last")) == ["the seventh, Oslo", "two", "one"]


@pytest.mark.parametrize("option", ["mention", "order"])
def test_unknown_option_is_told(option):
    with pytest.raises(ResetError, match=rf"Unknown {option} 'token' \(options.{option} of a source\)"):
        Choice(**{option: "token"})


@pytest.mark.parametrize("value", [[["a", "b"], ["c"]], ["a", ["b", "c"]], ["a", "b", "a", " ", "c"]])
def test_nested_answers_are_flattened_in_order_without_repetitions(value):
    assert answers_of({"exact_answer": value}, "exact_answer") == ["a", "b", "c"]


def test_numbers_are_answers():
    assert answers_of({"exact_answer": [1965]}, "exact_answer") == ["1965"]


def test_passages_behind_the_answer_are_not_looked_at():
    record = {"ctxs": [{"text": "Oslo"}, {"text": "Bergen"}, {"text": "Turku"}]}
    ranked = retrieved(record)
    assert choose(ranked, ["Bergen"], Choice(1)) == ["Bergen"]
    assert list(ranked) == ["Turku"]
