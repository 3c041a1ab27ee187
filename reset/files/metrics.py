"""Metrics files of the stages. Each says which scale it is of, so that figures of another are never read as its own.

After `reset-lm compose scale=own` the files of the scale before lie under the same names until the new stages have run,
and so do the tables in data/, which are taken for what the metrics file of the same stage says.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from reset.files.tables import Row, read_json

MADE_BY = {  # folder of data/ -> folder of metrics/ of the stage that writes it
    "raw": "fetch",
    "examples": "prepare",
    "mixtures": "mix",
    "prompts": "draw",
    "answers": "sample",
    "asked": "sample",
    "verdicts": "judge",
    "curated": "select",
    "scores": "systems",
    "watched": "watch",
}


def read(path: Path, scale: str) -> Row:
    """Return the figures of a metrics file of `scale`; empty if there is none, or it is of another scale."""
    content = read_json(path) if path.is_file() else {}
    return content if content.pop("scale", None) == scale else {}


def beside(table: str) -> str | None:
    """Return the metrics file of the stage that wrote a table, `data/answers/mtl.parquet`; None for another file."""
    folder, _, rest = table.removeprefix("data/").partition("/")
    if not table.startswith("data/") or folder not in MADE_BY or not rest:
        return None
    name = rest.partition("/")[0] if folder in ("raw", "examples", "watched") else rest.removesuffix(".parquet")
    return f"metrics/{MADE_BY[folder]}/{name.removesuffix('.dev') if folder == 'mixtures' else name}.json"


def of_another(table: Path, scale: str) -> bool:
    """Say whether the metrics file beside a table of the working folder says that it is of another scale."""
    path = beside(table.as_posix())
    return path is not None and Path(path).is_file() and read_json(Path(path)).get("scale") != scale


@dataclass(frozen=True)
class Metrics:
    """The metrics of one scale under `folder`, for the `rows` of params.yaml by kind, such as `mix`."""

    folder: Path
    scale: str
    rows: Mapping[str, Collection[str]]

    def read(self, name: str) -> Row:
        """Return the figures of `systems/mtl`; empty if that stage has not run at this scale."""
        return read(self.folder / f"{name}.json", self.scale)

    def of(self, kind: str) -> dict[str, Row]:
        """Return the figures of every row that has some, by name, in the order of the names."""
        found = {name: self.read(f"{kind}/{name}") for name in sorted(self.rows.get(kind, ()))}
        return {name: figures for name, figures in found.items() if figures}
