"""Count or estimate the rows, answers and tokens of the systems and pools of params.yaml.

Existing tables are counted with the code that trains and samples. For missing tables, figures are estimated: the number
of curated rows from that of the prompts, their length from the last training on them (`metrics/train`), the length of
answers from the pool's last run (`metrics/sample`), else from the references. `basis` says how figures were obtained.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reset.files import metrics, schemas, tables
from reset.files.row_accounts import Account
from reset.model.chat_frame import Frame, Options, frame
from reset.model.prompts import render
from reset.model.tokens import prompt_ids, response_ids
from reset.model.training_rows import training_row
from reset.params.answers import Pool
from reset.params.document import Params
from reset.params.training import System
from reset.planning import row_counts
from reset.sampling import decode_settings
from reset.training.encoding import SCHEMAS, encode, sequences

DATA = Path("data")
AT_MOST = "at most"  # start of `basis` if the number of rows, unknown before answers are judged, is an upper bound
COUNTED = 20_000  # most rows of a table to tokenise; of a longer table, every n-th row is


@dataclass(frozen=True)
class Training:
    """The training rows of a system."""

    rows: int | None = None
    tokens: int | None = None  # of one epoch
    longest: int | None = None  # tokens of the longest row
    basis: str = "unknown: its data do not exist yet"


@dataclass(frozen=True)
class Asked:
    """A prompt of a pool."""

    example_id: str
    tokens: int
    expected: float  # tokens of an answer as long as the first reference; the limit if it is cut off, or has none


@dataclass(frozen=True)
class Answering:
    """The work of sampling a pool."""

    prompts: int
    answers: int
    prompt_tokens: int | None = None  # read, once per prompt
    tokens: int | None = None  # generated
    basis: str = "unknown: its prompts are not drawn yet"


def training(p: Params, system: System, tokenizer: Any) -> Training:
    """Count or estimate the training rows of `system`; `tokenizer` is that of its starting model."""
    path = DATA / f"{system.data}.parquet"
    kind, _, name = system.data.partition("/")
    method, chat = p.recipes[system.recipe].method, _frame(p, tokenizer)
    if _is_there(p, path):
        total = tables.count(path, schemas.MIXTURES)
        return _count(_every_nth(path, method), total, tokenizer, p.train.max_tokens, "counted", method, chat)
    if kind != "curated" or not _is_there(p, DATA / "prompts" / f"{p.curated[name].prompts}.parquet"):
        return Training()
    return _estimate_curated(p, name, tokenizer, chat)


def _is_there(p: Params, table: Path) -> bool:
    """Whether a table exists and is not one that another scale has left."""
    return table.is_file() and not metrics.of_another(table, p.scale)


def _frame(p: Params, tokenizer: Any) -> Frame | None:
    """Return the frame of the tokenizer's chat template, if the rows are messages for one."""
    return frame(tokenizer, p.template, Options(**p.template_options.model_dump()))


def _estimate_curated(p: Params, name: str, tokenizer: Any, chat: Frame | None) -> Training:
    """Estimate the curated rows `name`, which do not exist yet, from the prompts of their pool."""
    curated = p.curated[name]
    prompts = DATA / "prompts" / f"{curated.prompts}.parquet"
    total, basis = _expected_rows(p, name, curated.share * tables.count(prompts, schemas.EXAMPLES))
    rows = [
        training_row(row, p.template, response=(row["references"] or [""])[0])
        for row in tables.read(prompts, schemas.EXAMPLES)
    ]
    answers = 2 if curated.pick == "pairs" else 1  # per row
    as_references = f"{basis}answers as long as the references"
    expected = _count(rows, total * answers, tokenizer, p.train.max_tokens, as_references, chat=chat)
    if (length := _row_length(p, f"curated/{name}")) is not None:
        return Training(total, round(total * length), expected.longest, f"{basis}rows as long as in the last run")
    if (length := _answer_length(p, curated.pool)) is None or expected.tokens is None:
        return replace(expected, rows=round((expected.rows or 0) / answers))
    references = sum(len(response_ids(tokenizer, row["response"])) for row in rows) / max(len(rows), 1)
    tokens = round(expected.tokens + total * answers * (length - references))
    return Training(total, tokens, expected.longest, f"{basis}answers as long as in the pool's last run")


def _expected_rows(p: Params, name: str, prompts: float) -> tuple[int, str]:
    """Number of curated rows that the answers to `prompts` prompts will make, and the start of `basis`.

    One row per prompt for one best or random answer. Otherwise it depends on the scores: as many as in
    the last run, else as many as possible.
    """
    curated = p.curated[name]
    if curated.pick in ("best", "random") and curated.per_prompt == 1:
        return round(prompts), "expected: "
    if former := metrics.read(Path(f"metrics/select/{name}.json"), p.scale):
        return int(former["rows"]), "expected: as many rows as in the last run, "
    grid = p.decode[p.pools[curated.pool].decode]
    answers = curated.sweeps * max(len(grid.temperatures), len(grid.top_ks))
    most = {"labelled": answers, "weighted": answers}.get(curated.pick, curated.per_prompt)
    return round(prompts * most), f"{AT_MOST}: "


def _every_nth(path: Path, method: str) -> Iterator[tables.Row]:
    """At most `COUNTED` rows of a table, evenly spaced."""
    stride = math.ceil(tables.count(path, schemas.MIXTURES) / COUNTED)
    return (row for number, row in enumerate(tables.read(path, SCHEMAS[method])) if number % stride == 0)


def _count(
    rows: Any, total: int, tokenizer: Any, max_tokens: int, basis: str, method: str = "sft", chat: Frame | None = None
) -> Training:
    """Encode `rows` as training does, and scale the counts from these rows to `total` rows."""
    account = Account()
    encoded, _ = encode(rows, tokenizer, max_tokens, account, method, chat)
    lengths = [len(sequence["input_ids"]) for sequence in sequences(encoded)]
    if not lengths:
        return Training(0, 0, 0, basis)
    scale = total / account.rows_in
    if scale != 1 and basis == "counted":
        basis = f"counted on every {round(scale)}th row"
    return Training(round(len(encoded) * scale), round(sum(lengths) * scale), max(lengths), basis)


def _row_length(p: Params, data: str) -> float | None:
    """Mean tokens per row in the last training on `data`, with both answers of a pair; None if there was none."""
    for name, system in p.systems.items():
        figures = metrics.read(Path(f"metrics/train/{name}.json"), p.scale)
        if system.data == data and figures:
            return figures["tokens"] / figures["rows_out"] if figures["rows_out"] else None
    return None


def _answer_length(p: Params, pool: str) -> float | None:
    """Mean tokens per answer, with the end token, in the pool's last run; None if there was none."""
    figures = metrics.read(Path(f"metrics/sample/{pool}.json"), p.scale)
    sampled = figures.get("rows_out", 0) - figures.get("kept_by", {}).get(schemas.GOLD, 0)
    return figures["tokens"] / sampled if sampled else None


def _sampled_share(p: Params, name: str, pool: Pool) -> tuple[float, str]:
    """Share of a full pool's answers that are sampled, as in the pool's last run, and the start of `basis`."""
    if pool.until is None:
        return 1.0, ""
    former = metrics.read(Path(f"metrics/sample/{name}.json"), p.scale).get("until")
    if former is None:
        return 1.0, f"{AT_MOST}, prompts that have enough are not asked again: "
    return former["sampled"] / former["full_pool"], "expected: as large a part of a full pool as in its last run, "


def asked(p: Params, prompts: str, tokenizer: Any) -> list[Asked] | None:
    """The prompts of a row of `prompts` that fit into `sample.max_prompt_tokens`; None if they are not drawn yet."""
    path = DATA / "prompts" / f"{prompts}.parquet"
    if not _is_there(p, path):
        return None
    fitting, chat = [], _frame(p, tokenizer)
    for row in tables.read(path, schemas.EXAMPLES):
        ids_and_cut = prompt_ids(tokenizer, render(row, p.template), p.sample.max_prompt_tokens, chat)
        if ids_and_cut is not None:
            length = _expected_length(row, tokenizer, p.sample.max_tokens, _cut(p))
            fitting.append(Asked(row["example_id"], len(ids_and_cut[0]), length))
    return fitting


def _cut(p: Params) -> float:
    """The share of the answers that is assumed to run into the limit, however long the references are."""
    return p.plan.cut_answers if p.plan else 0.0


def _expected_length(row: tables.Row, tokenizer: Any, max_tokens: int, cut: float) -> float:
    references = row["references"]
    length = min(max_tokens, len(response_ids(tokenizer, references[0]))) if references else max_tokens
    return length + cut * (max_tokens - length)


def answering(p: Params, name: str, pool: Pool, prompts: Sequence[Asked] | None) -> Answering:
    """Estimate the work of the pool `name`, without answers that are copies of another (several greedy ones).

    Without `prompts`, which are then not drawn yet, the number of answers is the mean over 100 example ids.
    """
    grid = decode_settings.arms(**p.decode[pool.decode].model_dump())
    if prompts is None:
        count = sum(p.prompts[pool.prompts].rows.values())
        return Answering(count, row_counts.answers(p, pool))
    answers = [row_counts.computed(prompt.example_id, grid, pool.sweeps, p.seed) for prompt in prompts]
    length = _answer_length(p, name)
    generated = sum(
        count * (prompt.expected if length is None else length) for count, prompt in zip(answers, prompts, strict=True)
    )
    assumed = f"as long as the references{f', but {_cut(p):.0%} cut off' if _cut(p) else ''}"
    basis = assumed if length is None else "as long as in the pool's last run"
    share, start = _sampled_share(p, name, pool)
    read, count = sum(prompt.tokens for prompt in prompts), round(share * sum(answers))
    return Answering(len(prompts), count, read, round(share * generated), f"{start}prompts counted; answers {basis}")
