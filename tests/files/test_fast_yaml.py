"""YAML is read by libyaml, and by PyYAML's own parser where libyaml would bring the process down."""

import pytest
import yaml

from reset.files import fast_yaml


@pytest.mark.parametrize("opened", ["[", "{a: ", "- ", "? ", "-\t", "[\n"], ids=repr)
def test_a_text_that_is_nested_too_deeply_is_an_error_and_no_crash(opened: str) -> None:
    with pytest.raises(yaml.YAMLError):
        fast_yaml.load("k:\n  " + opened * 200_000 + "x: [")


@pytest.mark.parametrize("text", ["1" * 5000, "2024-05-40", "\0", "\ud83d", "[1"], ids=lambda text: repr(text[:10]))
def test_a_value_that_is_none_is_an_error_of_yaml(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        fast_yaml.load(f"seed: {text}")


def test_a_key_that_is_there_twice_is_an_error_and_a_merged_one_is_not() -> None:
    with pytest.raises(yaml.YAMLError, match="the key 'a' is there twice"):
        fast_yaml.load("b: {a: 1, a: 2}")
    assert fast_yaml.load("x: &x {a: 1}\ny: {<<: *x, a: 2}")["y"] == {"a": 2}


def test_a_long_line_and_many_brackets_are_read_as_ever() -> None:
    text = "a: " + "b" * 20_000 + "\nc: [" + "[1], " * 2_000 + "]"
    assert fast_yaml.load(text) == {"a": "b" * 20_000, "c": [[1]] * 2_000}
