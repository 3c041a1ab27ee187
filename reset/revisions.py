"""The tables of another commit or DVC experiment, read through DVC's cache without checking anything out."""

from collections.abc import Sequence
from pathlib import Path

from reset.errors import ResetError


def folder(name: str, wanted: Sequence[str], into: Path) -> Path:
    """`name` itself if it is a folder, else `into` with copies of the `wanted` folders of that revision.

    Raises `ResetError` for a revision that Git does not know or whose tables are not in DVC's cache.
    """
    if Path(name).is_dir():
        return Path(name)
    for path in wanted:
        _copy(name, path, into / path)
    return into


def _copy(rev: str, path: str, into: Path) -> None:
    from dvc.api import DVCFileSystem  # a second to import, and only revisions need it
    from dvc.exceptions import DvcException
    from scmrepo.exceptions import SCMError

    try:
        files = DVCFileSystem(repo=".", rev=rev)
        files.get(path, str(into), recursive=True)
    except FileNotFoundError as error:
        raise ResetError(f"'{rev}' has {path} neither in Git nor in DVC's cache; `dvc fetch` may bring it") from error
    except (DvcException, SCMError) as error:
        raise ResetError(f"'{rev}' is no folder, and as a revision: {str(error).splitlines()[0]}") from error
