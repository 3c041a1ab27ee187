"""One row's whole way through the line: raw record, example, training rows, answers, verdicts, choice, systems."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from reset import checkpoint_names
from reset.choosing import curated_rows
from reset.errors import ResetError
from reset.evidence.revisions import Run
from reset.examples import formats
from reset.examples.raw_rows import outcomes
from reset.files import schemas, tables
from reset.sources import Example
from reset.sources.construction import construct

Params = Mapping[str, Any]


def tell(run: Run, name: str) -> dict[str, Any]:
    """Gather what `run` knows of an example, or of one answer to it, ready for JSON.

    `name` is an example's id (`nq/train/12`) or an answer's (`nq/train/12|t0.3|0`). Raises `ResetError` where no table
    and no raw record holds it.
    """
    example_id, answer, _ = name.partition("|")
    params = run.yaml("params.yaml")
    dataset, _, rest = example_id.partition("/")
    split = rest.partition("/")[0]
    where = {"example_id": example_id}
    examples = list(_rows(run, f"data/examples/{dataset}/{split}.parquet", schemas.EXAMPLES, where))
    raw = _raw(run, params, dataset, split, rest.removeprefix(f"{split}/"))
    pools = list(_pools(run, {"answer_id": name} if answer else where))
    if (not examples and raw is None) or (answer and not pools):
        raise ResetError(
            f"'{run.name}' holds no '{name}'. An id is dataset/split/own id, an answer's has |setting|sweep"
        )
    mixtures = [found for found in _holding(run, "data/mixtures", schemas.MIXTURES, where) if ".dev" not in found[0]]
    picked = {one: curated_rows.SCHEMAS[row["pick"]] for one, row in params.get("curated", {}).items()}
    curated = list(_holding(run, "data/curated", schemas.CURATED, where, picked))
    systems = params.get("systems", {})
    return {
        "id": name,
        "raw": raw,
        "example": examples[0] if examples else None,
        "mixtures": [
            {"mixture": found, "rows": len(rows), "systems": _on(systems, f"mixtures/{found}")}
            for found, rows in mixtures
        ],
        "prompts": [found for found, _ in _holding(run, "data/prompts", schemas.EXAMPLES, where)],
        "pools": pools,
        "curated": [
            {"curated": found, **row, "systems": _on(systems, f"curated/{found}")}
            for found, rows in curated
            for row in rows
        ],
        "trained": _descendants(
            systems, [*(f"mixtures/{n}" for n, _ in mixtures), *(f"curated/{n}" for n, _ in curated)]
        ),
    }


def _rows(run: Run, name: str, schema: pa.Schema, where: Mapping[str, str]) -> Iterator[tables.Row]:
    """The rows of a table whose columns have those values, read without the others; none where there is no table."""
    if (path := run.path(name)) is not None:
        filters = [(column, "=", value) for column, value in where.items()]
        yield from pq.read_table(path, columns=schema.names, filters=filters).to_pylist()


def _holding(
    run: Run,
    folder: str,
    schema: pa.Schema,
    where: Mapping[str, str],
    picked: Mapping[str, pa.Schema] = MappingProxyType({}),
) -> Iterator[tuple[str, list[tables.Row]]]:
    """Name and rows of each table of `folder` that has such rows; `picked` of tables that have one of their own."""
    for name in run.files(folder):
        stem = Path(name).stem
        if name.endswith(".parquet") and (rows := list(_rows(run, name, picked.get(stem, schema), where))):
            yield stem, rows


def _raw(run: Run, params: Params, dataset: str, split: str, own: str) -> dict[str, Any] | None:
    """The raw record whose example has that id, with its file and line."""
    row = params.get("datasets", {}).get(dataset)
    if row is None:
        return None
    limit = params["prepare"]["max_passages"]
    source = construct(row["source"], row["options"], key=f"datasets.{dataset}", max_passages=limit)
    for name in run.files(f"data/raw/{dataset}"):
        stem = Path(name).stem
        path = run.path(name) if name.endswith(".jsonl") else None
        if path is None or (row["shares"] is None and stem in schemas.SPLITS and stem != split):
            continue
        read: list[tuple[int, dict[str, Any]]] = []  # those the source has not answered yet
        for outcome in outcomes(source, _remembered(path, read)):
            line, record = read.pop(0)
            if isinstance(outcome, Example) and outcome.id == own:
                return {"file": name, "line": line, "record": record}
    return None


def _remembered(path: Path, read: list[tuple[int, dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    with path.open("rb") as stream:
        for line, text in enumerate(stream, start=1):
            with suppress(ResetError):  # no record: `prepare` has left it out as well
                read.append((line, formats.parse(text)))
                yield read[-1][1]


def _pools(run: Run, where: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Each pool's answers with all that judges said of them."""
    judges = [Path(name).stem for name in run.files("data/verdicts")]
    for pool, answers in _holding(run, "data/answers", schemas.ANSWERS, where):
        for answer in answers:
            named = {"answer_id": answer["answer_id"]}
            answer["verdicts"] = [
                {"judge": judge, **verdict}
                for judge in dict.fromkeys(judges)
                for verdict in _rows(run, f"data/verdicts/{pool}/{judge}.parquet", schemas.VERDICTS, named)
            ]
        yield {"pool": pool, "answers": answers}


def _on(systems: Params, data: str) -> list[str]:
    return [name for name, row in systems.items() if row["data"] == data]


def _descendants(systems: Params, data: list[str]) -> list[dict[str, str]]:
    """Every system that has seen one of the tables `data`, itself or by what it starts from, and how."""
    found = {name: row["data"] for name, row in systems.items() if row["data"] in data}
    while more := {
        name: f"starts from {row['init']}"
        for name, row in systems.items()
        if name not in found and checkpoint_names.system(row["init"]) in found
    }:
        found |= more
    return [{"system": name, "by": by} for name, by in found.items()]
