"""Which outputs of stages are there already, made from the present params.yaml: their origin is not asked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from reset.params import FILE
from reset.params.document import Params

LOCK = Path("dvc.lock")


class Made:
    """The stages in dvc.lock, compared with params.yaml."""

    def __init__(self, p: Params) -> None:
        content = _read(LOCK) if LOCK.is_file() else {}
        self._stages: Mapping[str, Any] = content.get("stages") or {}
        self._now = p.model_dump()

    def __call__(self, stage: str, out: str) -> bool:
        """Return whether `out` exists and `stage` made it from the values that params.yaml has now."""
        entry = self._stages.get(stage)
        if entry is None or not Path(out).exists():
            return False
        then = entry.get("params", {}).get(str(FILE), {})
        return all(self._value(key) == value for key, value in then.items())

    def _value(self, key: str) -> Any:
        found: Any = self._now
        for name in key.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        return found


def _read(path: Path) -> dict[str, Any]:
    content = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # nosec B506: a safe loader
    return content if isinstance(content, dict) else {}
