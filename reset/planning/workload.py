"""How much work the systems and pools of params.yaml are: rows, answers and tokens, each with what the figure rests on.

Tables that are there are counted with the code that trains and samples. What is not there yet is expected: curated rows
from the prompts that will be answered, as long as in the last training on them (`metrics/train`); answers as long as in
the last run (`metrics/sample`), else as the references.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reset.files import schemas, tables
from reset.files.row_accounts import Account
from reset.model.chat_frame import Frame, frame
from reset.model.prompts import render
from reset.model.tokens import prompt_ids, response_ids
from reset.model.training_rows import training_row
from reset.params.answers import Pool
from reset.params.document import Params
from reset.params.training import System
from reset.sampling import decode_settings
from reset.training.encoding import SCHEMAS, encode, sequences

DATA = Path("data")
AT_MOST = "at most"  # what rows that are unknown before their answers are judged rest on
COUNTED = 20_000  # rows of a table that are tokenised; of a longer one every n-th


@dataclass(frozen=True)
class Training:
    """What a system is trained on: one pass in `tokens`; `longest` is the longest row's."""

    rows: int | None = None
    tokens: int | None = None
    longest: int | None = None
    basis: str = "unknown: its data are not there yet"


@dataclass(frozen=True)
class Asked:
    """A prompt: its tokens, and those of an answer like the first reference, or the most there may be without one."""

    example_id: str
    tokens: int
    expected: int


@dataclass(frozen=True)
class Answering:
    """What a pool is: `prompt_tokens` are read once per prompt, `tokens` are written."""

    prompts: int
    answers: int
    prompt_tokens: int | None = None
    tokens: int | None = None
    basis: str = "unknown: its prompts are not drawn yet"


def training(p: Params, system: System, tokenizer: Any) -> Training:
    """What `system` is trained on, in the tokens of its starting model."""
    path = DATA / f"{system.data}.parquet"
    kind, _, name = system.data.partition("/")
    method, chat = p.recipes[system.recipe].method, frame(tokenizer, p.template)
    if path.is_file():
        there = tables.count(path, schemas.MIXTURES)
        return _count(_sampled(path, method), there, tokenizer, p.train.max_tokens, "counted", method, chat)
    if kind != "curated":
        return Training()
    curated = p.curated[name]
    prompts = DATA / "prompts" / f"{curated.prompts}.parquet"
    if not prompts.is_file():
        return Training()
    total, basis = _rows(p, name, curated.share * tables.count(prompts, schemas.EXAMPLES))
    rows = [
        training_row(row, p.template, response=(row["references"] or [""])[0])
        for row in tables.read(prompts, schemas.EXAMPLES)
    ]
    answers = 2 if curated.pick == "pairs" else 1
    said = f"{basis}answers as long as the references"
    expected = _count(rows, total * answers, tokenizer, p.train.max_tokens, said, chat=chat)
    if (length := _row_length(p, system.data)) is not None:
        return Training(total, round(total * length), expected.longest, f"{basis}rows as long as in the last run")
    if (length := _answer_length(curated.pool)) is None or expected.tokens is None:
        return replace(expected, rows=round((expected.rows or 0) / answers))
    references = sum(len(response_ids(tokenizer, row["response"])) for row in rows) / max(len(rows), 1)
    tokens = round(expected.tokens + total * answers * (length - references))
    return Training(total, tokens, expected.longest, f"{basis}answers as long as in the pool's last run")


def _rows(p: Params, name: str, prompts: float) -> tuple[int, str]:
    """Rows that will be made of the answers to `prompts`, and what that rests on.

    One of each, or where only answers that differ make one, as many as in the last run; else as many as there can be.
    """
    curated = p.curated[name]
    if curated.pick in ("best", "random"):
        return round(prompts), "expected: "
    path = Path(f"metrics/select/{name}.json")
    if path.is_file():
        return int(tables.read_json(path)["rows"]), "expected: as many rows as in the last run, "
    grid = p.decode[p.pools[curated.pool].decode]
    answers = curated.sweeps * max(len(grid.temperatures), len(grid.top_ks))
    return round(prompts * (1 if curated.pick == "pairs" else answers)), f"{AT_MOST}: "


def _sampled(path: Path, method: str) -> Iterator[tables.Row]:
    stride = math.ceil(tables.count(path, schemas.MIXTURES) / COUNTED)
    return (row for number, row in enumerate(tables.read(path, SCHEMAS[method])) if number % stride == 0)


def _count(
    rows: Any, total: int, tokenizer: Any, max_tokens: int, basis: str, method: str = "sft", chat: Frame | None = None
) -> Training:
    account = Account()
    encoded, _ = encode(rows, tokenizer, max_tokens, account, method, chat)
    lengths = [len(one["input_ids"]) for one in sequences(encoded)]
    if not lengths:
        return Training(0, 0, 0, basis)
    scale = total / account.rows_in
    said = basis if scale == 1 or basis != "counted" else f"counted on every {round(scale)}th row"
    return Training(round(len(encoded) * scale), round(sum(lengths) * scale), max(lengths), said)


def _row_length(p: Params, data: str) -> float | None:
    """Tokens of the mean row in the last training on `data`, both answers of a pair counted."""
    for name, system in p.systems.items():
        path = Path(f"metrics/train/{name}.json")
        if system.data == data and path.is_file():
            figures = tables.read_json(path)
            return figures["tokens"] / figures["rows_out"] if figures["rows_out"] else None
    return None


def _answer_length(pool: str) -> float | None:
    """Tokens of the pool's mean answer in the last run, its end token counted."""
    path = Path(f"metrics/sample/{pool}.json")
    figures: Mapping[str, Any] = tables.read_json(path) if path.is_file() else {}
    return figures["tokens"] / figures["rows_out"] if figures.get("rows_out") else None


def asked(p: Params, prompts: str, tokenizer: Any) -> list[Asked] | None:
    """The prompts of a row of `prompts` that fit into `sample.max_prompt_tokens`; None where they are not drawn yet."""
    path = DATA / "prompts" / f"{prompts}.parquet"
    if not path.is_file():
        return None
    found, chat = [], frame(tokenizer, p.template)
    for row in tables.read(path, schemas.EXAMPLES):
        fitted = prompt_ids(tokenizer, render(row, p.template), p.sample.max_prompt_tokens, chat)
        if fitted is not None:
            found.append(Asked(row["example_id"], len(fitted[0]), _expected(row, tokenizer, p.sample.max_tokens)))
    return found


def _expected(row: tables.Row, tokenizer: Any, max_tokens: int) -> int:
    references = row["references"]
    return min(max_tokens, len(response_ids(tokenizer, references[0]))) if references else max_tokens


def answering(p: Params, name: str, pool: Pool, prompts: Sequence[Asked] | None) -> Answering:
    """What the pool `name` takes; an answer that must repeat the greedy one is not made."""
    grid = decode_settings.arms(**p.decode[pool.decode].model_dump())
    if prompts is None:
        count = sum(p.prompts[pool.prompts].rows.values())
        made = [_made(str(number), grid, pool.sweeps, p.seed) for number in range(100)]
        return Answering(count, round(count * sum(made) / len(made)))
    made = [_made(one.example_id, grid, pool.sweeps, p.seed) for one in prompts]
    length = _answer_length(name)
    written = sum(
        count * (one.expected if length is None else length) for count, one in zip(made, prompts, strict=True)
    )
    basis = "as long as the references" if length is None else "as long as in the pool's last run"
    read = sum(one.tokens for one in prompts)
    return Answering(len(prompts), sum(made), read, round(written), f"prompts counted; answers {basis}")


def _made(example_id: str, grid: decode_settings.Arms, sweeps: int, seed: int) -> int:
    planned = decode_settings.plan(example_id, grid, sweeps, seed)
    return len(planned) - decode_settings.saved(planned)
