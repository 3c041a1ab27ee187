"""Ask the hub about a repository: its commit, its files with their sizes, its card; and get its small files.

The hub is that of HF_ENDPOINT. Weights and data are not downloaded. Small files go to the hub's cache, from which
stage `base` and `reset-lm plan` take them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Literal

from huggingface_hub import HfApi, constants, errors, try_to_load_from_cache
from huggingface_hub.errors import (
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from reset.bases.hub import COMMIT, FILES
from reset.checking.findings import Finding, Found, Unreachable, error, warning

Kind = Literal["model", "dataset"]
TIMEOUT_S = 10.0
REFUSALS = (errors.HTTPError, HFValidationError, OSError)  # type: ignore[attr-defined]  # lost connections too
SMALL = [pattern for pattern in FILES if not pattern.endswith(".safetensors")]
LARGEST = 100_000_000  # bytes of a file that still counts as small
NOT_REACHED = "check the network and HF_ENDPOINT; --offline leaves the hub out"


@dataclass(frozen=True)
class Repository:
    """What the hub says of a repository at a revision."""

    kind: Kind
    id: str
    commit: str
    files: Mapping[str, int] = field(default_factory=dict)  # name -> bytes, 0 where the hub does not say
    card: Mapping[str, Any] = field(default_factory=dict)


def look(kind: Kind, id: str, revision: str | None, key: str) -> tuple[Repository | None, Found]:
    """Return the repository, or None, and what is wrong with it; `key` is the row in params.yaml with `revision`."""
    api = HfApi()
    try:
        info: Any = api.repo_info(id, revision=revision, repo_type=kind, timeout=TIMEOUT_S, files_metadata=True)
        if info.gated:
            api.auth_check(id, repo_type=kind)
    except REFUSALS as failed:
        return None, [_failure(failed, kind, id, revision, key)]
    files = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    card = info.card_data.to_dict() if info.card_data else {}
    return Repository(kind, id, str(info.sha), files, card), pinned(kind, id, key, revision, str(info.sha))


def pinned(kind: Kind, id: str, key: str, revision: str | None, commit: str = "") -> list[Finding]:
    """Return a warning if `revision` is no commit; `commit` is the one that it means now, if that is known.

    Where it is not, the warning says where to find one: on the hub, or in the record of a run.
    """
    if revision and COMMIT.fullmatch(revision):
        return []
    branch = revision or "main"
    record = f"metrics/{'base' if kind == 'model' else 'fetch'}/{key.split('.')[1]}.json"
    mend = (
        f"pin {commit}"
        if commit
        else f"pin a commit: of {_page(kind, id)}/commits/{branch}, or of {record} after a run"
    )
    return [warning(f"{key}.revision", f"'{branch}' is a branch, whose content may change", mend)]


def _page(kind: Kind, id: str) -> str:
    return f"{constants.ENDPOINT}/{'datasets/' if kind == 'dataset' else ''}{id}"


def small_files(repository: Repository) -> Path:
    """Get the repository's configuration and tokenizer into the hub's cache; return their folder.

    Raises one of `REFUSALS` if the hub does not give them.
    """
    names = [name for name, size in repository.files.items() if size <= LARGEST and _is_small(name)]
    api, folder = HfApi(), Path()
    for name in names:
        file = api.hf_hub_download(repository.id, name, repo_type=repository.kind, revision=repository.commit)
        folder = Path(file).parent
    return folder


def _is_small(name: str) -> bool:
    return "/" not in name and any(fnmatch(name, pattern) for pattern in SMALL)


def cached(id: str, revision: str | None) -> Path | None:
    """Return the folder of the hub's cache with a model's configuration, if there is one."""
    try:
        file = try_to_load_from_cache(id, "config.json", revision=revision)
    except HFValidationError:
        return None
    return Path(file).parent if isinstance(file, str) else None


def _failure(failed: Exception, kind: Kind, id: str, revision: str | None, key: str) -> Finding | Unreachable:
    """Return what a refusal of the hub means for the row."""
    page = _page(kind, id)
    at = f"{key}.id" if kind == "model" else f"{key}.source"
    if isinstance(failed, GatedRepoError):
        mend = f"accept its terms at {page}, then set HF_TOKEN or run `hf auth login`"
        return error(at, f"the {kind} '{id}' is gated, and this account has no access", mend)
    if isinstance(failed, RevisionNotFoundError):
        return error(f"{key}.revision", f"'{id}' has no revision '{revision}'", f"choose one of {page}/commits/main")
    if isinstance(failed, RepositoryNotFoundError | DisabledRepoError | HFValidationError):
        mend = "correct the id; for a private one set HF_TOKEN; or name a local folder"
        return error(at, f"the hub has no {kind} '{id}' that this account may read", mend)
    if isinstance(failed, HfHubHTTPError) and failed.response is not None and failed.response.status_code < 500:
        return error(at, f"the hub refuses '{id}' (status {failed.response.status_code})", f"see {page}")
    return lost(key, failed)


def lost(key: str, failed: Exception) -> Unreachable:
    """Return that the hub did not answer for the row."""
    reason = next(iter(str(failed).splitlines()), "") or type(failed).__name__
    return Unreachable(f"the hub at {constants.ENDPOINT}", key, reason, NOT_REACHED)
