"""What a stage read and made, for its record: tables and models by their path, with DVC's content hashes.

A stage takes its paths as arguments, so its command line tells them. Hashes are of the files as they are when the stage
ends: a record that is sent later still tells what the run used.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
import pyarrow.parquet as pq

FOLDERS = ("answers", "curated", "mixtures", "prompts")  # of data/, whose tables are data sets of a run
MADE = {"mix": "mixtures", "draw": "prompts", "sample": "answers", "select": "curated"}  # stage -> where its tables go
READ_BY = {("train", "data"): "training", ("train", "dev"): "validation"}  # stage and argument -> MLflow's context


def tables_of(stage: str) -> list[dict[str, Any]]:
    """Return the tables that the stage's command names and that exist: name, path, hash, context, rows, columns."""
    return [row for name, path in _paths().items() for row in _table(stage, name, path)]


def model_of(stage: str) -> dict[str, str] | None:
    """Return path and hash of the system that `train` has made; None of another stage."""
    into = _paths().get("into")
    if stage != "train" or into is None or not into.is_dir():
        return None
    return {"path": into.as_posix(), "md5": folder_md5(into)}


def _paths() -> dict[str, Path]:
    context = click.get_current_context(silent=True)
    return {name: value for name, value in context.params.items() if isinstance(value, Path)} if context else {}


def _table(stage: str, argument: str, path: Path) -> Iterator[dict[str, Any]]:
    """Yield the table at `path`, if it is one of FOLDERS and there."""
    folder = path.parent.name
    if path.parent.parent.name != "data" or folder not in FOLDERS or not path.is_file():
        return
    context = READ_BY.get((stage, argument), "made" if MADE.get(stage) == folder else "read")
    try:
        file = pq.ParquetFile(path)
    except (OSError, pa.ArrowException):  # the stage has failed on it, and says so itself
        return
    with file:
        columns = [[one.name, str(one.type), not one.nullable] for one in file.schema_arrow]
        about = {"rows": file.metadata.num_rows, "columns": columns}
    yield {"name": f"{folder}/{path.stem}", "path": path.as_posix(), "md5": file_md5(path), "context": context, **about}


def file_md5(path: Path) -> str:
    """Return DVC's hash of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, _md5).hexdigest()


def folder_md5(folder: Path) -> str:
    """Return DVC's hash of a folder: of the list of its files and their hashes."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    listed = [{"md5": file_md5(files[name]), "relpath": name} for name in sorted(files)]
    return f"{_md5(json.dumps(listed, sort_keys=True).encode()).hexdigest()}.dir"


def _md5(content: bytes = b"") -> Any:
    return hashlib.md5(content, usedforsecurity=False)
