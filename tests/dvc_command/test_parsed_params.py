"""A parameter that is looked up by its keys is the one that DVC finds."""

from typing import Any

import pytest

from reset.dvc_command.parsed_params import by_keys

dpath = pytest.importorskip("dpath")
CONTENT = {"a": {"b": [{"c": 1}, None], "d.e": 3, "x*": 4, "xy": 5, "n": None}, "f": 0}


def of(look_up: Any, path: str) -> Any:
    try:
        return look_up(CONTENT, path, separator=".")
    except (KeyError, ValueError) as error:
        return type(error)


@pytest.mark.parametrize(
    "path", ["a", "a.b", "a.b.0", "a.b.0.c", "a.b.5", "a.x*", "a.xy", "a.?", "a.n", "f", "g", "f.g"]
)
def test_a_parameter_is_what_dvc_finds(path: str) -> None:
    assert of(by_keys(dpath.get), path) == of(dpath.get, path)


def test_all_keys_of_a_known_path_are_found_without_a_walk() -> None:
    def walk(*_: object, **__: object) -> None:
        raise AssertionError

    assert by_keys(walk)(CONTENT, "a.b", separator=".") == CONTENT["a"]["b"]
