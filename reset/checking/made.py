"""Which outputs of stages are there already, made from the present params.yaml: their origin is not asked."""

from pathlib import Path

from reset.params.document import Params
from reset.status import lock
from reset.status.done import same_value

LOCK = Path("dvc.lock")


class Made:
    """The stages in dvc.lock, compared with params.yaml."""

    def __init__(self, p: Params) -> None:
        self._lock, self._now = lock.read(LOCK), p.model_dump()

    def __call__(self, stage: str, out: str) -> bool:
        """Return whether `out` exists and `stage` made it from the values that params.yaml has now."""
        entry = self._lock.get(stage)
        if entry is None or not Path(out).exists():
            return False
        return all(same_value(entry, self._now, key) for key in entry.params)
