"""The files of another commit or DVC experiment, read through DVC's cache or remote without checking anything out."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from reset.errors import ResetError
from reset.files import tables


class Run:
    """The files of one run of the line: a folder (`.` is the workspace), a Git revision or a DVC experiment.

    Raises `ResetError` for a name that is neither a folder nor a revision, and for content that DVC does not have.
    """

    def __init__(self, name: str, scratch: Path) -> None:
        self.name = name
        self._folder = Path(name) if Path(name).is_dir() else None
        self._scratch = scratch  # where files of a revision are put when they are asked for
        if self._folder is None:
            self.files("metrics")  # says at once that a revision is unknown

    @cached_property
    def _remote(self) -> Any:
        from dvc.api import DVCFileSystem  # a second to import, and only revisions need it

        return DVCFileSystem(repo=".", rev=self.name)

    def files(self, under: str) -> list[str]:
        """Names of the files below a folder, in order; none where there is no such folder."""
        if self._folder is not None:
            found = (path for path in (self._folder / under).rglob("*") if path.is_file())
            return sorted(path.relative_to(self._folder).as_posix() for path in found)
        return sorted(name.lstrip("/") for name in self._asked(lambda: self._remote.find(under), under))

    def path(self, name: str) -> Path | None:
        """A path that holds the file's content, or None where the run has no such file."""
        if self._folder is not None:
            return self._folder / name if (self._folder / name).is_file() else None
        into = self._scratch / name
        if not into.is_file():
            if not self._asked(lambda: self._remote.exists(name), name):
                return None
            into.parent.mkdir(parents=True, exist_ok=True)
            self._asked(lambda: self._remote.get_file(name, str(into)), name)
        return into

    def mark(self, name: str) -> str | None:
        """What dvc.lock says of a file's content: equal marks mean equal bytes. None where DVC does not keep it."""
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
        """The stages of dvc.lock by name, as they ran; none where nothing has run."""
        stages: dict[str, Any] = self.yaml("dvc.lock").get("stages", {})
        return stages

    def yaml(self, name: str) -> dict[str, Any]:
        """Read a YAML file; empty where the run has none."""
        path = self.path(name)
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the plain one takes a second for dvc.lock
        return (yaml.load(path.read_text(encoding="utf-8"), Loader=loader) or {}) if path else {}

    def json(self, name: str) -> dict[str, Any]:
        """Read a JSON object; empty where the run has none."""
        path = self.path(name)
        return tables.read_json(path) if path else {}

    def rows(self, name: str, schema: pa.Schema) -> Iterator[tables.Row]:
        """Read a table; no rows where the run has none."""
        path = self.path(name)
        return tables.read(path, schema) if path else iter(())

    def _asked(self, ask: Any, what: str) -> Any:
        from dvc.exceptions import DvcException
        from dvc_data.index.index import DataIndexDirError
        from scmrepo.exceptions import SCMError

        try:
            return ask()
        except (FileNotFoundError, DataIndexDirError) as error:
            raise ResetError(
                f"'{self.name}' has {what} neither in Git nor in DVC's cache or remote; `dvc fetch` may bring it"
            ) from error
        except (DvcException, SCMError) as error:
            raise ResetError(f"'{self.name}' is no folder, and as a revision: {str(error).splitlines()[0]}") from error


def folder(name: str, wanted: Sequence[str], into: Path) -> Path:
    """`name` itself if it is a folder, else `into` with copies of the `wanted` folders of that revision.

    Raises `ResetError` for a revision that Git does not know or whose tables are not in DVC's cache or remote.
    """
    if Path(name).is_dir():
        return Path(name)
    run = Run(name, into)
    for path in wanted:
        files = run.files(path)
        if not files:
            raise ResetError(f"'{name}' has {path} neither in Git nor in DVC's cache; `dvc fetch` may bring it")
        for file in files:
            run.path(file)
    return into
