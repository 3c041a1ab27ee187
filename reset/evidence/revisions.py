"""Read the files of another commit or DVC experiment from DVC's cache or remote, without a checkout."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from reset.errors import ResetError
from reset.files import fast_yaml, metrics, tables


class Run:
    """The files of one run: a folder (`.` is the workspace), a Git revision or a DVC experiment.

    Raises `ResetError` for a name that is neither a folder nor a revision, and for content that DVC does not have.
    """

    def __init__(self, name: str, scratch: Path) -> None:
        self.name = name
        self._folder = Path(name) if Path(name).is_dir() else None
        self._scratch = scratch  # files of a revision are downloaded here when needed
        if self._folder is None:
            self._names("metrics")  # fail at once for an unknown revision

    @cached_property
    def _remote(self) -> Any:
        from dvc.api import DVCFileSystem  # takes a second to import; only revisions need it

        return DVCFileSystem(repo=".", rev=self.name)

    def files(self, under: str) -> list[str]:
        """Return the names of the files below a folder, sorted, without those that another scale has left.

        Empty if there is no such folder.
        """
        return [name for name in self._names(under) if not self._of_another_scale(name)]

    def _names(self, under: str) -> list[str]:
        if self._folder is not None:
            paths = (path for path in (self._folder / under).rglob("*") if path.is_file())
            return sorted(path.relative_to(self._folder).as_posix() for path in paths)
        return sorted(name.lstrip("/") for name in self._call_dvc(lambda: self._remote.find(under), under))

    def path(self, name: str) -> Path | None:
        """Return a local path of the file, downloaded if needed; None if there is none, or another scale left it."""
        return None if self._of_another_scale(name) else self._found(name)

    def _found(self, name: str) -> Path | None:
        if self._folder is not None:
            return self._folder / name if (self._folder / name).is_file() else None
        into = self._scratch / name
        if not into.is_file():
            if not self._call_dvc(lambda: self._remote.exists(name), name):
                return None
            into.parent.mkdir(parents=True, exist_ok=True)
            self._call_dvc(lambda: self._remote.get_file(name, str(into)), name)
        return into

    def mark(self, name: str) -> str | None:
        """Return a file's content hash from dvc.lock: equal marks mean equal bytes. None if DVC does not track it."""
        for path in (name, *(parent.as_posix() for parent in Path(name).parents)):
            if path in self._locked:
                return f"{self._locked[path]}{name.removeprefix(path)}"
        return None

    @cached_property
    def _locked(self) -> dict[str, str]:
        outs = (out for stage in self.lock.values() for out in stage.get("outs", ()))
        return {out["path"]: out["md5"] for out in outs if "md5" in out}

    @cached_property
    def lock(self) -> dict[str, Any]:
        """The stages of dvc.lock by name; empty if nothing has run."""
        stages: dict[str, Any] = self.yaml("dvc.lock").get("stages", {})
        return stages

    def yaml(self, name: str) -> dict[str, Any]:
        """Read a YAML file; empty if the run has no such file."""
        path = self.path(name)
        return (fast_yaml.load(path.read_text(encoding="utf-8")) or {}) if path else {}

    @cached_property
    def scale(self) -> str | None:
        """The scale in params.yaml; None for a folder without one, in which nothing tells scales apart."""
        return self.yaml("params.yaml").get("scale")

    def figures(self, name: str) -> tables.Row:
        """Read a metrics file; empty if the run has no such file, or one that another scale has left.

        A file that names no scale is the run's own, as in commits of earlier versions.
        """
        content = tables.read_json(path) if (path := self._found(name)) else {}
        of = content.pop("scale", self.scale)
        return content if self.scale in (None, of) else {}

    def _of_another_scale(self, table: str) -> bool:
        """Whether a table of data/ was written by a stage whose metrics are of another scale."""
        name = metrics.beside(table)
        return name is not None and self._found(name) is not None and not self.figures(name)

    def rows(self, name: str, schema: pa.Schema) -> Iterator[tables.Row]:
        """Read a table; no rows if the run has no such file."""
        path = self.path(name)
        return tables.read(path, schema) if path else iter(())

    def _call_dvc(self, call: Any, name: str) -> Any:
        """Run `call`; turn errors of DVC and Git into `ResetError`."""
        from dvc.exceptions import DvcException
        from dvc_data.index.index import DataIndexDirError
        from scmrepo.exceptions import SCMError

        try:
            return call()
        except (FileNotFoundError, DataIndexDirError) as error:
            raise ResetError(
                f"'{self.name}' has {name} neither in Git nor in DVC's cache or remote; try `dvc fetch`"
            ) from error
        except (DvcException, SCMError) as error:
            raise ResetError(f"'{self.name}' is not a folder; as a revision: {str(error).splitlines()[0]}") from error


def folder(name: str, wanted: Sequence[str], into: Path) -> Path:
    """Return the folder `name`, or, for a revision, `into` filled with copies of its `wanted` folders.

    Raises `ResetError` for an unknown revision, and if its files are not in DVC's cache or remote.
    """
    if Path(name).is_dir():
        return Path(name)
    run = Run(name, into)
    run.path("params.yaml")
    for path in wanted:
        files = run.files(path)
        if not files:
            raise ResetError(f"'{name}' has {path} neither in Git nor in DVC's cache; try `dvc fetch`")
        for file in files:
            run.path(file)
    return into
