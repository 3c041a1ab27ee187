"""What `dvc repro` and `dvc exp run` check before their first stage, if params.yaml needs more than this machine.

It runs in a process of its own, because it may load torch, which would keep a GPU's memory for the whole run.
"""

import os
import subprocess  # nosec B404: arguments and no shell
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from reset.errors import ResetError
from reset.files import fast_yaml

SWITCH = "RESET_CHECK"  # environment variable: 0 leaves the check out


def require(root: Path) -> None:
    """Run `reset-lm check` on the params.yaml in `root` if it is `heavy`; `ResetError` if that finds an error."""
    if os.environ.get(SWITCH) == "0" or not heavy(_read(root / "params.yaml")):
        return
    command = [sys.executable, "-m", "reset.cli.main", "check"]
    if subprocess.run(command, cwd=root, check=False).returncode:  # nosec B603: arguments and no shell
        raise ResetError(
            f"`reset-lm check` found what would stop a stage; no stage was run ({SWITCH}=0 goes on without)"
        )


def heavy(content: Any) -> bool:
    """Return whether the content of a params.yaml has models of the hub, or judges that ask a server."""
    judges = [*_rows(content, "judges"), *_rows(content, "watchers")]
    hub = any(row.get("kind") == "hub" for row in _rows(content, "base"))
    return hub or any("server" in (row.get("options") or {}) for row in judges)


def _rows(content: Any, table: str) -> list[Mapping[str, Any]]:
    rows = content.get(table) if isinstance(content, Mapping) else None
    return [row for row in rows.values() if isinstance(row, Mapping)] if isinstance(rows, Mapping) else []


def _read(path: Path) -> Any:
    """Return the content of a YAML file, None if it cannot be read: DVC itself then says why."""
    try:
        return fast_yaml.load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        return None
