"""Export a table of a run as a Hugging Face data set: Parquet in the hub's layout, a card, and the lineage.

A table is named as params.yaml and data/ name it: `answers/<pool>`, `verdicts/<pool>` (the answers, each with all
verdicts on it), `curated/<name>` or `mixtures/<name>`. All columns are kept. The hub's format has no maps, so the map
`objectives` of curated rows becomes a struct with a field for each objective.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from reset.errors import ResetError, nearest
from reset.evidence import dataset_card, dataset_files, lineage
from reset.evidence.dataset_files import Split
from reset.evidence.public import public
from reset.evidence.revisions import Run
from reset.files import schemas, tables
from reset.files.atomic import whole_folder

FOLDERS = ("answers", "curated", "mixtures", "verdicts")  # of data/, whose tables can be exported
SPLITS = {"train": "train", "dev": "validation", "test": "test"}  # ours -> the hub's

VERDICT = pa.struct([pa.field("judge", pa.string()), *(one for one in schemas.VERDICTS if one.name != "answer_id")])
JUDGED = schemas.ANSWERS.append(pa.field("verdicts", pa.list_(VERDICT)))


def is_table(name: str) -> bool:
    """Whether `name` is that of a table, not of a system."""
    return plain(name).partition("/")[0] in FOLDERS and "/" in name


def plain(name: str) -> str:
    """Return `curated/reset`, also for data/curated/reset.parquet."""
    return name.removeprefix("data/").removesuffix(".parquet")


def export(run: Run, name: str, into: Path) -> list[str]:
    """Write the folder `into` and return the names of its files.

    Raises `ResetError` for a table that `run` has not made, for one that differs from its dvc.lock, and if `into`
    exists.
    """
    kind, _, own = plain(name).partition("/")
    ran = lineage.read(run.lock)
    steps, paths = _sources(run, ran, kind, own)
    if into.exists():
        raise ResetError(f"{into} exists; name another folder with --into")
    with whole_folder(into) as folder:
        splits = []
        for split, groups in _splits(run, kind, paths):
            dataset_files.write(folder, split, groups)
            splits.append(split)
        if not splits[0].rows:
            raise ResetError(f"{paths[0]} has no rows to export")
        tables.write_json(folder / "lineage.json", [public(asdict(step)) for step in steps])
        text = dataset_card.card(run, f"{kind}/{own}", steps, splits)
        (folder / "README.md").write_text(text, encoding="utf-8")
    return sorted(path.relative_to(into).as_posix() for path in into.rglob("*") if path.is_file())


def _sources(run: Run, ran: Mapping[str, lineage.Step], kind: str, own: str) -> tuple[list[lineage.Step], list[str]]:
    """The lineage of a table, and the files of the run that it is made of, checked against dvc.lock."""
    made = {path: mark for step in ran.values() for path, mark in step.made.items()}
    known = {_named(path, kind) for path in made if path.startswith(f"data/{kind}/")} - {""}
    if own not in known:
        raise ResetError(f"'{run.name}' has made no {kind}/{own}. {nearest(own, known)}")
    wanted = [f"data/{kind}/{own}.parquet"]
    if kind == "mixtures":
        wanted += [f"data/mixtures/{own}.dev.parquet"]
    if kind == "verdicts":
        judged = sorted(path for path in made if path.startswith(f"data/verdicts/{own}/"))
        wanted = [f"data/answers/{own}.parquet", *judged]
    if kind in ("answers", "verdicts"):
        wanted += [path for path in _used(ran, wanted[0]) if path.startswith("data/prompts/")]
    for path in wanted:
        _verified(run, path, made[path])
    steps = {step.stage: step for path in wanted for step in lineage.trace(ran, path)}
    return list(steps.values()), wanted


def _named(path: str, kind: str) -> str:
    """The name by which a file of data/<kind> is exported; "" for dev rows, which go with their mixture."""
    inner = path.removeprefix(f"data/{kind}/").removesuffix(".parquet")
    return inner.partition("/")[0] if kind == "verdicts" else "" if inner.endswith(".dev") else inner


def _used(ran: Mapping[str, lineage.Step], path: str) -> list[str]:
    return [used for step in ran.values() if path in step.made for used in step.used]


def _verified(run: Run, path: str, mark: str) -> None:
    """Raise `ResetError` if a file is not here, or is not the one of dvc.lock."""
    here = run.path(path)
    if here is None:
        raise lineage.absent(run.name, path)
    lineage.require_same(path, lineage.file_hash(here), mark)


def _splits(run: Run, kind: str, paths: Sequence[str]) -> Iterator[tuple[Split, Iterator[pa.Table]]]:
    """Yield the splits of the data set with their rows; `paths` are those of `_sources`, in its order."""
    here = {path: found for path in paths if (found := run.path(path))}
    if kind in ("curated", "mixtures"):
        for path, file in here.items():
            of = _schema_of(file) if kind == "curated" else "MIXTURES"
            schema, groups = dataset_files.without_maps(file, getattr(schemas, of))
            yield Split("default", SPLITS["dev" if path.endswith(".dev.parquet") else "train"], of, schema), groups
        return
    answers, prompts = here[paths[0]], here[paths[-1]]
    name = _split(prompts)
    if kind == "answers":
        yield Split("answers", name, "ANSWERS", schemas.ANSWERS), dataset_files.read(answers, schemas.ANSWERS)
    else:
        judges = {Path(path).stem: here[path] for path in paths[1:-1]}
        yield Split("judged", name, "ANSWERS", JUDGED), _judged(answers, judges)
    yield Split("prompts", name, "EXAMPLES", schemas.EXAMPLES), dataset_files.read(prompts, schemas.EXAMPLES)


def _schema_of(file: Path) -> str:
    """The name of the schema of curated rows, which depends on what was picked."""
    columns = {*pq.read_schema(file).names}
    return next(
        name for name in ("PAIRS", "LABELLED", "WEIGHTED", "CURATED") if columns >= {*vars(schemas)[name].names}
    )


def _split(prompts: Path) -> str:
    """The hub's name of the split that all prompts are of; `train` if they are of several."""
    splits = {*tables.column(prompts, schemas.EXAMPLES, "split")}
    return SPLITS[splits.pop()] if len(splits) == 1 else "train"


def _judged(answers: Path, judges: Mapping[str, Path]) -> Iterator[pa.Table]:
    """Yield the answers by row groups, each answer with all verdicts on it."""
    said: dict[str, list[tables.Row]] = {}
    for judge, path in judges.items():
        for row in tables.read(path, schemas.VERDICTS):
            said.setdefault(row.pop("answer_id"), []).append({"judge": judge, **row})
    for group in dataset_files.read(answers, schemas.ANSWERS):
        cells = [said.get(one, []) for one in group["answer_id"].to_pylist()]
        yield group.append_column(JUDGED.field("verdicts"), pa.array(cells, JUDGED.field("verdicts").type))
