"""Verifiable: whether an answer follows the verifiable instructions of its prompt, by rule (Zhou et al. 2023, IFEval).

Any answer is judged whose record carries instructions (`checks`, which source `ifeval` fills). Of each answer:

- `prompt_strict`, `prompt_loose`: 1 if it follows all of them, 0 if it fails one, strictly and loosely;
- `instruction_strict`, `instruction_loose`: the share of them that it follows.

The means of the first two are the paper's prompt-level accuracy. Its instruction-level accuracy counts each instruction
once, so the report adds them up over prompts, from `detail`. An instruction of an unknown id, one without its arguments
and one on a language that cannot be told count nowhere; where all others are followed, `prompt_*` is null.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any, Literal

from reset.judges import TASKS, Answer, Verdict
from reset.judges.instructions import languages
from reset.judges.instructions.checks import LANGUAGE, Outcome, check

NONE = "the prompt has no verifiable instruction"
NAMES = ("prompt_strict", "prompt_loose", "instruction_strict", "instruction_loose")


class Verifiable:
    """Range [0, 1]. `languages` says who tells the language of an answer: `langdetect`, to be installed, or `none`."""

    tasks = frozenset(TASKS)
    expected_nulls = frozenset({NONE, LANGUAGE})

    def __init__(self, *, name: str, languages: Literal["none", "langdetect"]) -> None:
        self._detect = _detector(languages)

    def verdicts(self, answers: Sequence[Answer]) -> Iterator[Verdict]:
        """Yield four verdicts per answer."""
        for answer in answers:
            outcomes = [
                check(answer.text, str(one.get("id")), one.get("kwargs") or {}, self._detect)
                for one in (answer.checks or {}).get("instructions", ())
            ]
            reason = next((one.reason for one in outcomes if one.reason), None) if outcomes else NONE
            detail = {"instructions": [asdict(one) for one in outcomes]} if outcomes else None
            for name, score in zip(NAMES, _scores(outcomes), strict=True):
                yield Verdict(answer.answer_id, name, score, reason if score is None else None, detail)


def _detector(name: str) -> languages.Detect:
    return languages.langdetect() if name == "langdetect" else languages.nobody


def _scores(outcomes: Iterable[Outcome]) -> list[float | None]:
    """Return the scores in the order of NAMES."""
    strict, loose = [one.strict for one in outcomes], [one.loose for one in outcomes]
    return [_all(strict), _all(loose), _share(strict), _share(loose)]


def _all(followed: Sequence[bool | None]) -> float | None:
    if False in followed:
        return 0.0
    return None if None in followed or not followed else 1.0


def _share(followed: Sequence[bool | None]) -> float | None:
    known: list[Any] = [one for one in followed if one is not None]
    return sum(known) / len(known) if known else None
