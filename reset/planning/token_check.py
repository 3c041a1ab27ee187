"""Check that training and each engine read the same token ids for the same example (`reset-lm doctor`).

With a model's own chat template, a training row is also compared with the tokenizer's own `apply_chat_template` of the
whole conversation: the rows themselves, and conversations with blanks at the ends of messages, with and without a
system prompt (`reset.planning.template_check`).

Training reads a row of a mixture, an engine the rendered example. Both are encoded as in the stages `train` and
`sample`; an engine then returns the ids that its model read. Training and sampling have different length limits, so a
long context may be cut to different lengths: such rows are compared at the shorter one.
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
from reset.model.chat_frame import PLAIN, Frame, Options, frame
from reset.model.prompts import Prompt, render
from reset.model.tokens import in_front, prompt_ids
from reset.planning import template_check
from reset.planning.template_check import first_difference
from reset.training.encoding import ANSWERED, encode, schema, sequences
from reset.training.recipe import IGNORED

Read = Callable[[Sequence[Request]], list[list[int]]]  # `Engine.seen`
Reading = tuple[Any, Prompt, Frame | None]  # a tokenizer, the prompt that it encodes, its chat template


@dataclass(frozen=True)
class Limits:
    """Length limits in tokens."""

    max_tokens: int  # of a training row
    max_prompt_tokens: int  # of a prompt in sampling


@dataclass
class Finding:
    """The token ids that training and sampling read for one row, and what is wrong with them."""

    example_id: str
    task: str
    input_ids: list[int]  # in training; empty if the row does not fit
    labels: list[int]
    sampled: list[int]  # the prompt in sampling; empty if it does not fit
    training_cut: bool  # whether the context was cut
    sampling_cut: bool
    left_out: str | None = None  # why training has no such row
    faults: list[str] = field(default_factory=list)


def rows_of(data: Path, examples: Path, per_dataset: int, method: str = "sft") -> list[tuple[tables.Row, tables.Row]]:
    """The first `per_dataset` rows of each data set in `data`, the training rows of `method`, each with its example.

    Raises `ResetError` if the example of a row no longer exists.
    """
    by_dataset: dict[str, list[tables.Row]] = {}
    for row in tables.read(data, schema(data, method)):
        rows = by_dataset.setdefault(row["dataset"], [])
        if len(rows) < per_dataset:
            rows.append(row)
    wanted = {row["example_id"] for rows in by_dataset.values() for row in rows}
    paths = sorted({examples / name.split("/")[0] / f"{name.split('/')[1]}.parquet" for name in wanted})
    by_id = {
        row["example_id"]: row
        for path in paths
        for row in tables.read(path, schemas.EXAMPLES)
        if row["example_id"] in wanted
    }
    if missing := sorted(wanted - by_id.keys()):
        raise ResetError(f"{data}: '{missing[0]}' is not among the examples of {examples} (run `dvc repro` first)")
    return [(row, by_id[row["example_id"]]) for rows in by_dataset.values() for row in rows]


def examine(
    row: Mapping[str, Any],
    example: Mapping[str, Any],
    limits: Limits,
    *,
    template: str,
    trained: Any,
    sampled: Any,
    options: Options = PLAIN,
    method: str = "sft",
    answer: int = 0,
) -> Finding:
    """Encode one row as training does, and its example as sampling does, and compare the ids.

    `trained` and `sampled` are the tokenizers of training and of sampling. For a row with two answers, `answer` is 0
    for the chosen one and 1 for the rejected one. The faults are those of the whole answer; the labels shown are those
    that are trained, without masked sentences.
    """
    whole = {key: value for key, value in row.items() if key != "untrained"}
    chats, account = (frame(trained, template, options), frame(sampled, template, options)), Account()
    encoded, cut = encode([whole], trained, limits.max_tokens, account, method, chats[0])
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
        left_out=next(iter(account.set_aside), None),
    )
    if rows:
        finding.faults += _label_faults(finding, trained, chats[0])
        if chats[0] and not cut:
            finding.faults += template_check.differences(
                chats[0], trained, row["prompt"], row[ANSWERED[answer]], finding.input_ids
            )
    if rows and asked:
        readings = (trained, _prompt(row), chats[0]), (sampled, prompt, chats[1])
        finding.faults += _differences(finding, *readings)
    if rows and row.get("untrained"):
        masked, _ = encode([row], trained, limits.max_tokens, Account(), method, chats[0])
        finding.labels = masked[0]["labels"] if masked else [IGNORED] * len(finding.labels)
    return finding


def ask_engines(findings: Sequence[Finding], engines: Mapping[str, Read]) -> None:
    """Add a fault to each finding for which the model of an engine reads other ids than those requested."""
    asked = [finding for finding in findings if finding.sampled]
    requests = [Request(finding.example_id, tuple(finding.sampled), 0.0, 0, 0, 1) for finding in asked]
    for name, read in engines.items():
        for finding, ids in zip(asked, read(requests), strict=True):
            if ids != finding.sampled:
                finding.faults.append(f"engine {name} reads {first_difference(finding.sampled, ids)}")


def spans(finding: Finding) -> Iterator[tuple[str, list[int]]]:
    """Yield the consecutive runs of masked and of trained ids of a training row, in order."""
    pairs = zip(finding.labels, finding.input_ids, strict=True)
    for masked, run in groupby(pairs, key=lambda pair: pair[0] == IGNORED):
        yield "masked" if masked else "trained", [token for _, token in run]


def _prompt(row: Mapping[str, Any]) -> Prompt:
    return Prompt(row["prompt"], row["context_start"], row["context_end"])


def _label_faults(finding: Finding, tokenizer: Any, chat: Frame | None) -> Iterator[str]:
    end, ids = chat.end if chat else tokenizer.eos_token_id, finding.input_ids
    front = [] if chat else list(in_front(tokenizer))
    kinds = [kind for kind, _ in spans(finding)]
    if kinds != ["masked", "trained"]:
        yield f"training must mask the prompt and train the response, has {' '.join(kinds)}"
    elif ids[-1] != end:
        yield "the response has no end token"
    if ids[: len(front)] != front:
        yield f"training reads {ids[: len(front)]} first, the tokenizer itself puts {front} in front"
    if any(label not in (IGNORED, token) for label, token in zip(finding.labels, ids, strict=True)):
        yield "a label is neither masked nor the token at its position"


def _differences(finding: Finding, training: Reading, sampling: Reading) -> Iterator[str]:
    """Compare the ids of the prompt in training and in sampling; if one was cut, cut both to the shorter length."""
    masked = [token for token, label in zip(finding.input_ids, finding.labels, strict=True) if label == IGNORED]
    in_training: list[int] | None = masked
    in_sampling: list[int] | None = finding.sampled
    if finding.training_cut or finding.sampling_cut:
        length = min(len(masked), len(finding.sampled))
        cut = [prompt_ids(tokenizer, prompt, length, chat) for tokenizer, prompt, chat in (training, sampling)]
        in_training, in_sampling = (ids_and_cut and ids_and_cut[0] for ids_and_cut in cut)
    if in_training != in_sampling:
        yield f"training and sampling read {first_difference(in_training or [], in_sampling or [])}"
