"""Ids and other short names: what becomes one, and what breaks its record."""

import pytest

from reset.errors import ResetError
from reset.sources import content_id
from reset.sources.fields import UNREADABLE, identity, kind, label


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("a", "a"),
        (" a ", " a "),
        (7, "7"),
        (0, "0"),
        (7.0, "7"),
        (2**63, "9223372036854775808"),
        (None, ""),
        ("", ""),
        (" ", ""),
        ("\u200b ", ""),
    ],
)
def test_text_and_whole_numbers_are_names(field, name):
    assert label("id", field) == name


@pytest.mark.parametrize(
    "field", [True, 1.5, float("inf"), [1], {"$oid": "1"}, {UNREADABLE: "2 bytes, not UTF-8"}, 1e20]
)
def test_anything_else_is_no_name(field):
    with pytest.raises(ResetError, match="the field 'id'"):
        label("id", field)


def test_an_id_comes_from_the_first_field_that_has_one_or_from_the_content():
    assert identity({"id": None, "key": 3}, ["id", "key"], "x") == "3"
    assert identity({"id": ""}, ["id", "key"], "x") == content_id("x")
    assert {identity({"id": word}, ["id"], "x") for word in ("NaN", "null", "None ", "N/A", "<NA>", "NaT")} == {
        content_id("x")
    }
    assert identity({"id": "nano"}, ["id"], "x") == "nano"


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (None, "null"),
        (False, "true or false"),
        ([], "a list"),
        (["x", None], "a list with null"),
        ([[1]], "a list with a list with a number"),
        ([{UNREADABLE: "2 bytes, not UTF-8"}], "a list with 2 bytes, not UTF-8"),
        ({}, "an object"),
    ],
)
def test_a_value_is_named_in_plain_words(item, words):
    assert kind(item) == words
