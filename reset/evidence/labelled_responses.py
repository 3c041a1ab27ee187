"""Responses that people have labelled as faithful to their context or not, from files of any format that is read.

A record is one of these:

- RefChecker's human annotations (Hu et al. 2024): `instruction`, `context`, `response`, and `claims` with a
  `human_label` each. A response is faithful if all its claims are entailed; one without claims has no label.
- QAGS' annotations (Wang et al. 2020): an `article`, and `summary_sentences` with the `responses` of several workers
  each. A sentence is faithful if more workers say yes than not; a summary is if all its sentences are.
- A row of any table: its columns for answer, context, label and, if there is one, question are named.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reset.errors import ResetError
from reset.examples import formats
from reset.examples.raw_json import Broken
from reset.judges import Answer
from reset.sources.fields import MISSING, nested, optional_text, rows, text, texts

CLAIM_LABELS = ("Entailment", "Neutral", "Contradiction")
PARTS = ("answer", "context", "label", "question")
YES = frozenset("1|true|yes|y|faithful|consistent|supported|supports|entailment|entailed|factual|correct".split("|"))
NO = frozenset(
    "0|false|no|n|unfaithful|not faithful|inconsistent|unsupported|not supported|refutes|not enough info|neutral|"
    "contradiction|not_entailment|hallucinated|nonfactual|non-factual|incorrect".split("|")
)

_WHOLE = re.compile(r"(?<=\d)\.0+\Z")

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Labelled:
    """A response with its human label; `group` is its context."""

    answer: Answer
    faithful: bool
    group: str


@dataclass(frozen=True)
class _Response:
    text: str
    question: str
    passages: list[str]
    faithful: bool | None  # null: no label


def read(
    path: Path, task: str, columns: Mapping[str, str] | None = None, faithful: Collection[str] = ()
) -> tuple[list[Labelled], dict[str, int]]:
    """Read the responses of `path` as answers of `task`; return them, and counts of records set aside by reason.

    `columns` maps some of `PARTS` to columns; the others have their own names. Dots lead into objects. `faithful` lists
    the labels that mean faithful (default: those of `YES`, where those of `NO` do not). Raises `ResetError` for a
    record of another form, and if no label is one of `faithful`.
    """
    labelled: list[Labelled] = []
    aside = {"no claim": 0}
    named = {_WHOLE.sub("", label.strip().lower()) for label in faithful}
    for number, record in enumerate(formats.records(path), start=1):
        if isinstance(record, Broken):
            raise ResetError(record.what)
        try:
            response = _response(record, columns or {}, named)
        except ResetError as error:
            what = f"{path}: record {number} is not a labelled response: {error.message}"
            raise ResetError(f"{what}; --column names the columns of a table") from error
        if reason := _reason(record, response):
            aside[reason] = aside.get(reason, 0) + 1
            continue
        name, said, passages = str(len(labelled)), response.text, response.passages
        question = "" if task == "summarization" else response.question
        answer = Answer(name, said, task, "test", response.question, question, passages, [], None)
        labelled.append(Labelled(answer, bool(response.faithful), "\n".join(passages)))
    if named and labelled and not any(one.faithful for one in labelled):
        raise ResetError(f"{path}: no record has a label of --faithful ({', '.join(sorted(named))})")
    return labelled, aside


def _reason(record: Record, response: _Response) -> str:
    """Return why a response is set aside, or ""."""
    if response.faithful is None:
        return "no claim" if record.get("claims") == [] else "no label"
    return "no answer" if not response.text.strip() else "" if response.passages else "no context"


def _response(record: Record, columns: Mapping[str, str], faithful: Collection[str]) -> _Response:
    if not columns and "claims" in record:
        return _refchecker(record)
    if not columns and "summary_sentences" in record:
        return _qags(record)
    row = {part: nested(record, columns.get(part, part)) for part in PARTS if part in columns or part != "question"}
    if "question" not in columns:
        row["question"] = record.get("question")
    passages = [] if row["context"] is None else texts(row, "context")
    label = _label(row["label"], faithful)
    return _Response(optional_text(row, "answer"), optional_text(row, "question"), passages, label)


def _refchecker(record: Record) -> _Response:
    labels = [text(claim, "human_label") for claim in rows(record, "claims")]
    if unknown := [label for label in labels if label not in CLAIM_LABELS]:
        raise ResetError(f"it has the label '{unknown[0]}'. Known: {', '.join(CLAIM_LABELS)}")
    entailed = all(label == CLAIM_LABELS[0] for label in labels) if labels else None
    return _Response(text(record, "response"), text(record, "instruction"), [text(record, "context")], entailed)


def _qags(record: Record) -> _Response:
    sentences = rows(record, "summary_sentences")
    votes = [[text(vote, "response").strip().lower() for vote in rows(one, "responses")] for one in sentences]
    if unknown := [vote for of_one in votes for vote in of_one if vote not in ("yes", "no")]:
        raise ResetError(f"it has the response '{unknown[0]}'. Known: yes, no")
    supported = all(2 * of_one.count("yes") > len(of_one) for of_one in votes) if votes and all(votes) else None
    return _Response(" ".join(text(one, "sentence") for one in sentences), "", [text(record, "article")], supported)


def _label(value: object, faithful: Collection[str]) -> bool | None:
    """Return what a label means; None for null and the words that programs write for it."""
    name = "" if value is None else str(value).strip().lower()
    if name in ("", *MISSING):
        return None
    name = _WHOLE.sub("", name)  # pandas makes 1.0 of 1
    if faithful:
        return name in faithful
    if name not in YES | NO:
        raise ResetError(f"its label '{value}' is not known; --faithful says which labels mean faithful")
    return name in YES
