from typing import Any

import pytest

from reset.errors import ResetError
from reset.sources import Example, SetAside
from reset.sources.oasst1 import Oasst1


def message(name: str, parent: str | None = None, **more: Any) -> dict[str, Any]:
    """A prompter's message without a parent or under "a", an assistant's otherwise."""
    role = "prompter" if parent in (None, "a1") else "assistant"
    base = {
        "message_id": name,
        "parent_id": parent,
        "role": role,
        "lang": "en",
        "deleted": False,
        "text": f"text {name}",
    }
    return {**base, "labels": rated(0.75, 3), **more}


def rated(value: float, count: int) -> dict[str, list[Any]]:
    return {"name": ["spam", "quality"], "value": [0.0, value], "count": [9, count]}


def outcomes(*messages: dict[str, Any], **options: Any) -> list[str]:
    """The text of each example, or the reason of each row set aside."""
    made = Oasst1(**options).outcomes(messages)
    return [
        outcome.reason if isinstance(outcome, SetAside) else f"{outcome.instruction} > {outcome.references[0]}"
        for outcome in made
    ]


ROOT = message("p1")


def test_answer_is_joined_with_the_prompt_it_answers_whatever_their_order():
    assert outcomes(message("a1", "p1"), ROOT) == ["text p1 > text a1", "prompter turn"]


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (rated(0.5, 3), "quality 0.5 or lower"),
        (rated(0.51, 1), "fewer than 2 raters"),
        ({"name": ["spam"], "value": [0.0], "count": [3]}, "no quality rating"),
        (None, "no quality rating"),
    ],
)
def test_poorly_rated_answer_is_set_aside(labels, reason):
    assert outcomes(ROOT, message("a1", "p1", labels=labels))[1] == reason


def test_labels_may_be_a_list_of_objects():
    labels = [{"name": "quality", "value": 0.51, "count": 2}]
    assert outcomes(ROOT, message("a1", "p1", labels=labels))[1] == "text p1 > text a1"


def test_rating_limits_are_options():
    weak = message("a1", "p1", labels=rated(0.3, 1))
    assert outcomes(ROOT, weak, min_quality=0.2, min_raters=1)[1] == "text p1 > text a1"


def test_another_label_can_be_what_counts():
    labels = {"name": ["quality", "helpfulness"], "value": [0.9, 0.4], "count": [3, 3]}
    answer = message("a1", "p1", labels=labels)
    assert outcomes(ROOT, answer)[1] == "text p1 > text a1"
    assert outcomes(ROOT, answer, label="helpfulness")[1] == "helpfulness 0.5 or lower"
    assert outcomes(ROOT, answer, label="humor")[1] == "no humor rating"
    with pytest.raises(ResetError, match=r"Unknown label 'qualty'.*Did you mean 'quality'"):
        outcomes(ROOT, label="qualty")


def test_other_languages_are_set_aside_unless_all_are_wanted():
    german = [message("p1", lang="de"), message("a1", "p1", lang="de")]
    assert outcomes(*german)[1] == "other language"
    assert outcomes(*german, language=None)[1] == "text p1 > text a1"


def test_deleted_answer_and_answer_to_a_deleted_prompt_are_set_aside():
    assert outcomes(ROOT, message("a1", "p1", deleted=True))[1] == "deleted"
    assert outcomes(message("p1", deleted=True), message("a1", "p1"))[1] == "its prompt: deleted"


def test_answer_without_its_prompt_is_set_aside():
    assert outcomes(message("a1", "elsewhere")) == ["its prompt is missing"]


def test_later_turns_are_set_aside_unless_all_are_wanted():
    tree = [ROOT, message("a1", "p1"), message("p2", "a1"), message("a2", "p2")]
    assert outcomes(*tree)[3] == "later turn"
    assert outcomes(*tree, turns="all")[3] == "text p2 > text a2"


def test_unknown_turns_are_refused_with_the_nearest():
    with pytest.raises(ResetError) as caught:
        Oasst1(turns="frist")
    assert caught.value.message.endswith("Did you mean 'first'? Known: all, first")


def test_message_id_is_the_examples_id():
    made = list(Oasst1().outcomes([ROOT, message("a1", "p1")]))[1]
    assert isinstance(made, Example) and made.id == "a1"


def test_a_nested_tree_is_unpacked_into_its_messages():
    good = {"quality": {"value": 0.75, "count": 3}, "spam": {"value": 0.0, "count": 3}}
    said = {**message("a1"), "role": "assistant", "labels": good, "replies": [{**message("p2"), "labels": good}]}
    unrated = {**message("a2"), "role": "assistant", "labels": {}}
    for one in (said, said["replies"][0], unrated):
        del one["parent_id"]
    tree = {"message_tree_id": "p1", "prompt": {**message("p1"), "labels": good, "replies": [said, unrated]}}
    messages = list(Oasst1().unpack(tree))
    assert [(one["message_id"], one["parent_id"]) for one in messages] == [
        ("p1", None),
        ("a2", "p1"),
        ("a1", "p1"),
        ("p2", "a1"),
    ]
    assert outcomes(*messages) == ["prompter turn", "no quality rating", "text p1 > text a1", "prompter turn"]
    assert list(Oasst1().unpack(ROOT)) == [ROOT]


def node(name, role, text, **more):
    """A message of a tree with the fields of the release's own export, no reply and no label unless told."""
    rest = {"parent_id": None, "lang": "en", "review_count": 3, "review_result": True, "deleted": False, "rank": None}
    rest |= {"synthetic": False, "model_name": None, "emojis": {"+1": 2}, "replies": None, "labels": None}
    return {"message_id": name, "role": role, "text": text, **rest, **more}


def test_a_tree_as_published_becomes_its_rated_answers():
    good = {"spam": {"value": 0.0, "count": 3}, "quality": {"value": 0.8333, "count": 3}}
    answers = [
        node("a1", "assistant", "Rome.", parent_id="p1", rank=0, labels=good),
        node("a2", "assistant", "Paris.", parent_id="p1", rank=1, labels={"quality": {"value": None, "count": 0}}),
        node("a3", "assistant", "Oslo.", parent_id="p1", rank=2),
    ]
    root = node("p1", "prompter", "Name a capital.", replies=answers, labels=good)
    tree = {"message_tree_id": "p1", "tree_state": "ready_for_export", "prompt": root}
    messages = list(Oasst1().unpack(tree))
    found = zip(messages, outcomes(*messages), strict=True)
    assert {message["message_id"]: outcome for message, outcome in found} == {
        "p1": "prompter turn",
        "a1": "Name a capital. > Rome.",
        "a2": "no quality rating",
        "a3": "no quality rating",
    }


def test_a_tree_without_a_prompt_is_told():
    with pytest.raises(ResetError) as caught:
        list(Oasst1().unpack({"message_tree_id": "p1", "tree_state": "aborted_low_grade", "prompt": None}))
    assert caught.value.message == "is a tree without a prompt"


@pytest.mark.parametrize("labels", [7, "spam", [{"name": "quality"}], {"quality": 0.8}])
def test_labels_of_a_tree_that_are_no_object_of_objects_are_told(labels):
    with pytest.raises(ResetError) as caught:
        list(Oasst1().unpack({"prompt": {**message("p1"), "labels": labels, "replies": []}}))
    assert caught.value.message == "holds a message whose 'labels' are no object of objects"


def test_replies_of_a_tree_that_are_no_messages_are_told():
    with pytest.raises(ResetError, match="the field 'replies' must be a list of objects, is a list"):
        list(Oasst1().unpack({"prompt": {**message("p1"), "replies": ["a1"]}}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"turns": "frist"}, r"Unknown turns 'frist' \(options.turns of oasst1\). Did you mean 'first'"),
        ({"label": "qualty"}, r"Unknown label 'qualty' \(options.label of oasst1\). Did you mean 'quality'"),
    ],
)
def test_an_option_that_is_not_known_names_the_nearest(options: dict[str, str], message: str) -> None:
    with pytest.raises(ResetError, match=message):
        Oasst1(**options)  # type: ignore[arg-type]
