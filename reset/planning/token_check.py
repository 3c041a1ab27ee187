"""Doctor: the token ids that training and each engine read for the same example, and whether they are the same.

Training reads a row of a mixture, an engine the rendered example. Both are encoded as the stages `train` and `sample`
encode them; an engine then says which ids its model was given. A long context may be cut to other lengths by the two
limits: cut rows are compared at the smaller one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from reset.engines import Request
from reset.errors import ResetError
from reset.files import schemas, tables
from reset.files.row_accounts import Account
from reset.model.chat_frame import Frame, frame
from reset.model.prompts import Prompt, render
from reset.model.tokens import prompt_ids
from reset.training.encoding import SCHEMAS, encode, sequences
from reset.training.recipe import IGNORED

Read = Callable[[Sequence[Request]], list[list[int]]]  # `Engine.seen`
Reading = tuple[Any, Prompt, Frame | None]  # a tokenizer, what it reads, and the chat template round it


@dataclass(frozen=True)
class Limits:
    """Lengths in tokens: of a training row, and of a prompt that is sampled."""

    max_tokens: int
    max_prompt_tokens: int


@dataclass
class Finding:
    """One row: what training and sampling read, and what is wrong with it."""

    example_id: str
    task: str
    input_ids: list[int]  # of training; empty where the row does not fit
    labels: list[int]
    sampled: list[int]  # prompt as an engine is asked to read it; empty where it does not fit
    training_cut: bool
    sampling_cut: bool
    faults: list[str] = field(default_factory=list)


def rows_of(data: Path, examples: Path, per_dataset: int, method: str = "sft") -> list[tuple[tables.Row, tables.Row]]:
    """The first `per_dataset` rows of each data set in `data`, which `method` trains on, each with its example.

    Raises `ResetError` where a row's example is no longer among the examples.
    """
    found: dict[str, list[tables.Row]] = {}
    for row in tables.read(data, SCHEMAS[method]):
        rows = found.setdefault(row["dataset"], [])
        if len(rows) < per_dataset:
            rows.append(row)
    wanted = {row["example_id"] for rows in found.values() for row in rows}
    paths = sorted({examples / name.split("/")[0] / f"{name.split('/')[1]}.parquet" for name in wanted})
    by_id = {
        row["example_id"]: row
        for path in paths
        for row in tables.read(path, schemas.EXAMPLES)
        if row["example_id"] in wanted
    }
    if lost := sorted(wanted - by_id.keys()):
        raise ResetError(f"{data}: '{lost[0]}' is not among the examples of {examples} (run `dvc repro` first)")
    return [(row, by_id[row["example_id"]]) for rows in found.values() for row in rows]


def examine(
    row: Mapping[str, Any],
    example: Mapping[str, Any],
    limits: Limits,
    *,
    template: str,
    trained: Any,
    sampled: Any,
    method: str = "sft",
    answer: int = 0,
) -> Finding:
    """Encode one row with the tokenizer `trained` as training does, and its example with `sampled` as sampling does.

    Of a row with two answers, `answer` says which: 0 the chosen one, 1 the rejected.
    """
    chats = frame(trained, template), frame(sampled, template)
    encoded, cut = encode([row], trained, limits.max_tokens, Account(), method, chats[0])
    rows = list(sequences(encoded))
    sequence = rows[answer] if rows else {"input_ids": [], "labels": []}
    prompt = render(example, template)
    asked = prompt_ids(sampled, prompt, limits.max_prompt_tokens, chats[1])
    ids, sampling_cut = asked or ([], False)
    finding = Finding(
        example_id=row["example_id"],
        task=row["task"],
        input_ids=sequence["input_ids"],
        labels=sequence["labels"],
        sampled=ids,
        training_cut=bool(cut),
        sampling_cut=sampling_cut,
    )
    if rows:
        finding.faults += _label_faults(finding, trained, chats[0])
    if rows and asked:
        read = (trained, _prompt(row), chats[0]), (sampled, prompt, chats[1])
        finding.faults += _differences(finding, *read)
    return finding


def ask_engines(findings: Sequence[Finding], engines: Mapping[str, Read]) -> None:
    """Add a fault wherever an engine's model reads other ids than it was asked to."""
    asked = [finding for finding in findings if finding.sampled]
    requests = [Request(finding.example_id, tuple(finding.sampled), 0.0, 0, 0, 1) for finding in asked]
    for name, seen in engines.items():
        for finding, ids in zip(asked, seen(requests), strict=True):
            if ids != finding.sampled:
                finding.faults.append(f"engine {name} reads {_first_difference(finding.sampled, ids)}")


def framing(tokenizer: Any, template: str) -> str | None:
    """The chat template as one line, with what ends a reply; None for a template of our own."""
    chat = frame(tokenizer, template)
    if chat is None:
        return None
    bos = "written by the template" if chat.bos else "put in front" if tokenizer.bos_token_id is not None else "none"
    return f"chat template: {chat.head!r} message {chat.tail!r} reply {tokenizer.decode([chat.end])!r}; BOS {bos}"


def spans(finding: Finding) -> Iterator[tuple[str, list[int]]]:
    """Yield the runs of masked and trained ids of a training row, in order."""
    pairs = zip(finding.labels, finding.input_ids, strict=True)
    for masked, run in groupby(pairs, key=lambda pair: pair[0] == IGNORED):
        yield "masked" if masked else "trained", [token for _, token in run]


def _prompt(row: Mapping[str, Any]) -> Prompt:
    return Prompt(row["prompt"], row["context_start"], row["context_end"])


def _label_faults(finding: Finding, tokenizer: Any, chat: Frame | None) -> Iterator[str]:
    bos, end, ids = tokenizer.bos_token_id, chat.end if chat else tokenizer.eos_token_id, finding.input_ids
    if bos is not None and (ids.count(bos) != 1 or ids[0] != bos):
        yield f"training reads {ids.count(bos)} BOS tokens, must read one, in front"
    kinds = [kind for kind, _ in spans(finding)]
    if kinds != ["masked", "trained"]:
        yield f"training must mask the prompt and train the response, has {' '.join(kinds)}"
    elif ids[-1] != end:
        yield "the response has no end token"
    if any(label not in (IGNORED, token) for label, token in zip(finding.labels, ids, strict=True)):
        yield "a label is not the token at its place"


def _differences(finding: Finding, training: Reading, sampling: Reading) -> Iterator[str]:
    """Compare the ids of the prompt in training and in sampling; cut ones, at the smaller of their lengths."""
    masked = [token for token, label in zip(finding.input_ids, finding.labels, strict=True) if label == IGNORED]
    ours: list[int] | None = masked
    theirs: list[int] | None = finding.sampled
    if finding.training_cut or finding.sampling_cut:
        room = min(len(masked), len(finding.sampled))
        both = [prompt_ids(tokenizer, prompt, room, chat) for tokenizer, prompt, chat in (training, sampling)]
        ours, theirs = (fit and fit[0] for fit in both)
    if ours != theirs:
        yield f"training and sampling read {_first_difference(ours or [], theirs or [])}"


def _first_difference(ours: Sequence[int], theirs: Sequence[int]) -> str:
    same = next((n for n, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs)))
    return (
        f"other ids from token {same} of {len(ours)} and {len(theirs)} on: "
        f"{list(ours[same : same + 4])} and {list(theirs[same : same + 4])}"
    )
