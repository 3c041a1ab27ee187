"""Trace one row through the pipeline: raw record, example, training rows, answers, verdicts, choice, systems."""

from collections.abc import Collection, Iterator, Mapping
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
from reset.examples import raw_json
from reset.examples.raw_rows import outcomes
from reset.files import schemas, tables
from reset.judges import verdict_names
from reset.sources import Example
from reset.sources.construction import construct

Params = Mapping[str, Any]


def tell(run: Run, name: str) -> dict[str, Any]:
    """Return all that `run` holds about an example, or about one answer to it, ready for JSON.

    `name` is the id of an example (`nq/train/12`) or an answer (`nq/train/12|t0.3|0`). Raises `ResetError` if neither
    a table nor a raw record holds it.
    """
    example_id, answer, _ = name.partition("|")
    params = run.yaml("params.yaml")
    dataset, _, rest = example_id.partition("/")
    split = rest.partition("/")[0]
    where = {"example_id": example_id}
    examples = list(_rows(run, f"data/examples/{dataset}/{split}.parquet", schemas.EXAMPLES, where))
    raw = _raw(run, params, dataset, split, rest.removeprefix(f"{split}/"))
    pools = list(_pools(run, {"answer_id": name} if answer else where, verdict_names.stand_ins(params)))
    if (not examples and raw is None) or (answer and not pools):
        raise ResetError(
            f"'{run.name}' holds no '{name}'. Ids: dataset/split/id for an example, plus |setting|sweep for an answer"
        )
    declared = params.get("mixtures", {})
    mixtures = [
        table
        for table in _tables_with(run, "data/mixtures", schemas.MIXTURES, where)
        if table[0] in declared or table[0].removesuffix(".dev") not in declared  # else its dev rows
    ]
    own_schemas = {
        curated: curated_rows.schema(row["pick"], masked=bool(row.get("mask")))
        for curated, row in params.get("curated", {}).items()
    }
    curated = list(_tables_with(run, "data/curated", schemas.CURATED, where, own_schemas))
    systems = params.get("systems", {})
    return {
        "id": name,
        "raw": raw,
        "example": examples[0] if examples else None,
        "mixtures": [
            {"mixture": mixture, "rows": len(rows), "systems": _trained_on(systems, f"mixtures/{mixture}")}
            for mixture, rows in mixtures
        ],
        "prompts": [prompts for prompts, _ in _tables_with(run, "data/prompts", schemas.EXAMPLES, where)],
        "pools": pools,
        "curated": [
            {"curated": curated_set, **row, "systems": _trained_on(systems, f"curated/{curated_set}")}
            for curated_set, rows in curated
            for row in rows
        ],
        "trained": _descendants(
            systems,
            params.get("interpolated", {}),
            [*(f"mixtures/{n}" for n, _ in mixtures), *(f"curated/{n}" for n, _ in curated)],
        ),
    }


def _rows(run: Run, name: str, schema: pa.Schema, where: Mapping[str, str]) -> Iterator[tables.Row]:
    """Read only the rows of a table whose columns have the values `where`; none if there is no table."""
    if (path := run.path(name)) is not None:
        filters = [(column, "=", value) for column, value in where.items()]
        yield from pq.read_table(path, columns=schema.names, filters=filters).to_pylist(maps_as_pydicts="strict")


def _tables_with(
    run: Run,
    folder: str,
    schema: pa.Schema,
    where: Mapping[str, str],
    own_schemas: Mapping[str, pa.Schema] = MappingProxyType({}),
) -> Iterator[tuple[str, list[tables.Row]]]:
    """Yield name and matching rows of each table in `folder` that has any; `own_schemas` take the place of `schema`."""
    for name in run.files(folder):
        stem = Path(name).stem
        if name.endswith(".parquet") and (rows := list(_rows(run, name, own_schemas.get(stem, schema), where))):
            yield stem, rows


def _raw(run: Run, params: Params, dataset: str, split: str, own: str) -> dict[str, Any] | None:
    """Find the raw record that became the example `dataset`/`split`/`own`, with its file and line."""
    row = params.get("datasets", {}).get(dataset)
    if row is None:
        return None
    limit = params["prepare"]["max_passages"]
    source = construct(row["source"], row["options"], key=f"datasets.{dataset}", max_passages=limit)
    for name in run.files(f"data/raw/{dataset}"):
        stem = Path(name).stem
        path = run.path(name) if name.endswith(".jsonl") else None
        drawn = stem == "train" and split == "dev"  # `dev_from_train`
        if path is None or (stem in schemas.SPLITS and stem != split and not drawn):
            continue
        read: list[tuple[int, dict[str, Any]]] = []  # records without an outcome yet
        for outcome in outcomes(source, _records(path, read)):
            line, record = read.pop(0)
            if isinstance(outcome, Example) and outcome.id == own:
                return {"file": name, "line": line, "record": record}
    return None


def _records(path: Path, read: list[tuple[int, dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """Yield the records of a JSON Lines file; append each to `read` with its line number."""
    with path.open("rb") as stream:
        for line, text in enumerate(stream, start=1):
            with suppress(ResetError):  # not a record: `prepare` sets it aside as well
                read.append((line, raw_json.parse(text)))
                yield read[-1][1]


def _pools(run: Run, where: Mapping[str, str], stand_ins: Collection[str]) -> Iterator[dict[str, Any]]:
    """Yield each pool's answers with all verdicts on them; those in `stand_ins` are marked."""
    judges = [Path(name).stem for name in run.files("data/verdicts")]
    for pool, answers in _tables_with(run, "data/answers", schemas.ANSWERS, where):
        for answer in answers:
            this_answer = {"answer_id": answer["answer_id"]}
            answer["verdicts"] = [
                {"judge": judge, **verdict, **({"stand_in": True} if verdict["name"] in stand_ins else {})}
                for judge in dict.fromkeys(judges)
                for verdict in _rows(run, f"data/verdicts/{pool}/{judge}.parquet", schemas.VERDICTS, this_answer)
            ]
        yield {"pool": pool, "answers": answers}


def _trained_on(systems: Params, data: str) -> list[str]:
    return [name for name, row in systems.items() if row["data"] == data]


def _descendants(systems: Params, averaged: Params, data: list[str]) -> list[dict[str, str]]:
    """Every system trained on one of the tables `data`, itself or through a system that it is made of, and how."""
    made_of = {name: [row["init"]] for name, row in systems.items()}
    made_of |= {name: [row["init"], row["other"]] for name, row in averaged.items()}
    by_system = {name: row["data"] for name, row in systems.items() if row["data"] in data}
    while more := {
        name: f"{'starts from' if name in systems else 'is the mean of'} {' and '.join(models)}"
        for name, models in made_of.items()
        if name not in by_system and any(checkpoint_names.system(model) in by_system for model in models)
    }:
        by_system |= more
    return [{"system": name, "by": by} for name, by in by_system.items()]
