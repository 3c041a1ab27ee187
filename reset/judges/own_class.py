"""A judge of the user's own class, as the stages use it: what it raises or gives wrongly is told in one line."""

import inspect
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from numbers import Real
from pathlib import Path
from traceback import extract_tb
from typing import Any

from reset.errors import ResetError, shown
from reset.judges import Answer, Judge, Verdict


class OwnJudge:
    """Passes on the verdicts of a class of the user's own, once they are what docs/judges.md asks for.

    `place` is its row in params.yaml, such as judges.brief; `build` constructs `plug_in`. Raises `ResetError` for what
    the class raises, and for anything but one `Verdict` per answer, named like the row.
    """

    def __init__(self, place: str, name: str, plug_in: Any, build: Callable[[], Judge]) -> None:
        self._name, self._plug_in = name, plug_in
        self._who = f"{place}: class '{plug_in.__module__}:{plug_in.__name__}'"
        self.tasks = frozenset(plug_in.tasks)
        self.unanswerable = bool(getattr(plug_in, "unanswerable", False))
        with self._telling():
            self._judge = build()
        self.expected_nulls = frozenset(getattr(self._judge, "expected_nulls", ()))

    def verdicts(self, answers: Sequence[Answer]) -> Iterator[Verdict]:
        """Yield the verdicts of the class on `answers`."""
        left = {answer.answer_id for answer in answers}
        for verdict in self._yielded(answers):
            if wrong := self._problem(verdict):
                raise ResetError(f"{self._who} gave {wrong}")
            if verdict.answer_id not in left:
                what = "which it was not asked about, or has judged already"
                raise ResetError(f"{self._who} gave a verdict on answer {shown(verdict.answer_id)}, {what}")
            left.remove(verdict.answer_id)
            yield replace(verdict, score=None if verdict.score is None else float(verdict.score))
        if left:
            raise ResetError(f"{self._who} gave no verdict on answer '{min(left)}', must give one on each")

    def _yielded(self, answers: Sequence[Answer]) -> Iterator[Any]:
        with self._telling():
            given: Any = self._judge.verdicts(answers)
            if not isinstance(given, Iterable):
                raise ResetError(f"{self._who}: its `verdicts` gave {shown(given)}, must yield one Verdict per answer")
            yield from given

    def _problem(self, verdict: Any) -> str | None:
        """Return what is wrong with what the class gave as a verdict, or None."""
        if not isinstance(verdict, Verdict):
            return f"{shown(verdict)}, must give one Verdict per answer"
        if verdict.name != self._name:
            return f"a verdict named {shown(verdict.name)}, must be named like its row, '{self._name}'"
        if verdict.score is not None and not (isinstance(verdict.score, Real) and 0 <= verdict.score <= 1):
            return f"the score {shown(verdict.score)}, must be from 0 to 1, or None with a reason"
        if not isinstance(verdict.reason, str | None):
            return f"the reason {shown(verdict.reason)}, must be a text or None"
        if not isinstance(verdict.detail, dict | None):
            return f"the detail {shown(verdict.detail)}, must be a dict or None"
        try:
            json.dumps([verdict.reason, verdict.detail], ensure_ascii=False, sort_keys=True, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            return f"the detail {shown(verdict.detail)}, must be what JSON can hold ({error})"
        return None

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Tell in one line what the user's code raises, with its own last line that led there."""
        try:
            yield
        except ResetError:
            raise
        except (Exception, SystemExit) as error:  # a class of the user's own may raise anything
            said = " ".join(f"{type(error).__name__}: {error}".split())
            raise ResetError(f"{self._who} failed{self._where(error)}: {said}") from error

    def _where(self, error: BaseException) -> str:
        file = inspect.getfile(self._plug_in)
        lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == file]
        return f" ({Path(file).name}, line {lines[-1]})" if lines else ""
