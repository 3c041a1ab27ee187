"""Labels that people gave to answers: rows of JSON Lines, checked against the pools, and kept in labels/<name>.jsonl.

A row is what one person (`who`) said of one answer. `objectives` maps an objective, or `OVERALL`, to a value in [0, 1]
(1 yes, 0 no; point k of a scale of n is (k - 1) / (n - 1)), or to null where the person could not tell. `answer_hash`
is of the text that was read: if the pool was sampled again and has another text under the id, the label does not count.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reset.errors import ResetError, nearest, shown
from reset.evidence.label_sample import JudgedAnswers
from reset.files.atomic import atomic
from reset.objectives import Objectives
from reset.report.labels import digest

FOLDER = Path("labels")
OVERALL = "overall"  # asked of every answer
WORDING = {  # of what is asked; an objective of another name is asked by its name
    "task": "Is it a right answer?",
    "instruction": "Does it do what was asked, and do it well?",
    "faithfulness": "Do the passages support all that it says?",
    "prudence": "Where the passages do not hold the answer, does it say so?",
    "over_refusal": "Does it refuse although the passages hold the answer?",
    OVERALL: "Would you train on it?",
}
CONTEXT = ("invented", "misplaced")  # of FAILURES, those that take no reference to tell
FAILURES = {  # what the paper's authors looked for (A.2), in answers that have passages
    "invented": "takes or states what stands nowhere in the passages",
    "misplaced": "takes the wrong part of the passages",
    "paraphrase": "is right, but words it otherwise than the reference",
}

Value = Annotated[float, Field(ge=0, le=1)]


class Label(BaseModel):
    """What one person said of one answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pool: str
    answer_id: str
    answer_hash: str  # of the text that was read
    who: str = Field(min_length=1)
    at: str  # UTC, ISO 8601
    points: int = Field(ge=2)  # of the scale; 2: yes or no
    objectives: dict[str, Value | None]
    failures: list[str]
    note: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What there is one label of."""
        return self.pool, self.answer_id, self.who


def read(path: Path) -> list[Label]:
    """Read labels; `ResetError` names the line that is none."""
    labels = []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ResetError(f"{path}: cannot be read ({error})") from error
    for number, line in enumerate(lines, start=1):
        if line.strip():
            labels.append(_parsed(line, f"{path}:{number}"))
    return labels


def _parsed(line: str, where: str) -> Label:
    try:
        label = Label.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise ResetError(f"{where}: not a label: {f'{key}: ' if key else ''}{first['msg']}") from error
    for failure in label.failures:
        if failure not in FAILURES:
            raise ResetError(f"{where}: Unknown failure {shown(failure)}. {nearest(failure, FAILURES)}")
    return label


def check(labels: Iterable[Label], pools: Mapping[str, JudgedAnswers], asked: Mapping[str, Collection[str]]) -> None:
    """Raise `ResetError` for the first label of an unknown answer, or of an objective that its task does not have."""
    for label in labels:
        answers = pools[label.pool].answers
        if label.answer_id not in answers:
            raise ResetError(f"pool '{label.pool}' has no answer {shown(label.answer_id)}, which {label.who} labelled")
        task = answers[label.answer_id]["task"]
        for name in label.objectives:
            if name not in asked.get(task, (OVERALL,)):
                known = nearest(name, asked.get(task, (OVERALL,)))
                raise ResetError(f"Unknown objective {shown(name)} of {task}, by {label.who}. {known}")


def questions(objectives: Objectives) -> dict[str, list[str]]:
    """Return what is asked of the answers to each task: its objectives, then `OVERALL`."""
    tasks: dict[str, list[str]] = {}
    for name, one in objectives.items():
        for task in one.verdicts:
            tasks.setdefault(task, []).append(name)
    return {task: [*dict.fromkeys([*names, OVERALL])] for task, names in tasks.items()}


def merged(labels: Iterable[Label]) -> tuple[list[Label], dict[str, int]]:
    """Return the last label of each person and answer, sorted, and counts of `duplicates` and of `replaced` ones."""
    latest: dict[tuple[str, str, str], Label] = {}
    counts = {"duplicates": 0, "replaced": 0}
    for label in labels:
        before = latest.get(label.key)
        if before is not None:
            counts["duplicates" if before == label else "replaced"] += 1
        if before is None or label.at >= before.at:
            latest[label.key] = label
    return [latest[key] for key in sorted(latest)], counts


def standing(labels: Iterable[Label], pools: Mapping[str, JudgedAnswers]) -> tuple[list[Label], int]:
    """Return the labels of texts that the pools still have, and the number of the others."""
    own = [*labels]
    stand = [label for label in own if label.answer_hash == digest(pools[label.pool].answers[label.answer_id]["text"])]
    return stand, len(own) - len(stand)


def failures(labels: Iterable[Label]) -> dict[str, int]:
    """Return how often each failure was ticked."""
    counts = Counter(failure for label in labels for failure in label.failures)
    return {name: counts[name] for name in FAILURES}


def write(path: Path, labels: Sequence[Label]) -> None:
    """Write labels, one a line; equal labels give equal bytes."""
    with atomic(path) as temporary:
        lines = (json.dumps(label.model_dump(), sort_keys=True, ensure_ascii=False) for label in labels)
        temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", errors="backslashreplace")
