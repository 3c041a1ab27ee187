"""Instructions on the language of a reply, told by langdetect where an option asks for it; else nobody can tell."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from reset.errors import ResetError
from reset.judges.instructions.arguments import Arguments

Detect = Callable[[str], str | None]  # text -> code such as "en"; None where it cannot be told


def nobody(_: str) -> None:
    """Tell no language."""


@cache
def langdetect() -> Detect:
    """Return langdetect's detector, with a fixed seed. Raises `ResetError` if it is not installed."""
    try:
        found: Any = import_module("langdetect")
    except ModuleNotFoundError as error:
        hint = "`pip install langdetect`, or set languages: none, which leaves those instructions null"
        raise ResetError(f"options.languages is langdetect, which is not installed: {hint}") from error
    found.DetectorFactory.seed = 0

    def detect(text: str) -> str | None:
        try:
            return str(found.detect(text))
        except found.LangDetectException:  # no letters
            return None

    return detect


def in_language(text: str, given: Arguments, detect: Detect) -> bool | None:
    """`language:response_language`: all of it is in the language."""
    language, wanted = detect(text), given.text("language")
    return None if language is None else language == wanted


def english_capitals(text: str, _: Arguments, detect: Detect) -> bool | None:
    """`change_case:english_capital`: English, in capital letters alone."""
    return _in_english(text, detect) if text.isupper() else False


def english_lowercase(text: str, _: Arguments, detect: Detect) -> bool | None:
    """`change_case:english_lowercase`: English, in small letters alone."""
    return _in_english(text, detect) if text.islower() else False


def _in_english(text: str, detect: Detect) -> bool | None:
    language = detect(text)
    return None if language is None else language == "en"
