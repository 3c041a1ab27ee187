"""Stages that had the same inputs in two runs and made different outputs, as on two processors.

Training amplifies the last digits of float32, which differ between processors and numbers of threads.
"""

from typing import Any

from reset.evidence.revisions import Run


def unequal(a: Run, b: Run) -> list[str]:
    """Return the stages that ran by the same command on the same parameters and files, and made other outputs."""
    shared = sorted(a.lock.keys() & b.lock.keys())
    pairs = ((name, a.lock[name], b.lock[name]) for name in shared)
    return [name for name, x, y in pairs if _inputs(x) == _inputs(y) and _outputs(x) != _outputs(y)]


def line(stages: list[str]) -> str:
    """Say which stages made other outputs of the same inputs, and what that means for the comparison."""
    shown = ", ".join(stages[:3]) + (f" and {len(stages) - 3} more" if len(stages) > 3 else "")
    return (
        f"Same inputs, other outputs: {shown}. The runs are of two processors or numbers of threads, and training"
        " amplifies the last digits of float32: some of the differences below may be those of the machines"
    )


def _inputs(stage: dict[str, Any]) -> tuple[Any, ...]:
    return stage.get("cmd"), stage.get("params"), _hashes(stage, "deps")


def _outputs(stage: dict[str, Any]) -> dict[str, str]:
    """Hashes of what a stage made, without its metrics and its page."""
    return {path: md5 for path, md5 in _hashes(stage, "outs").items() if not path.startswith("metrics/")}


def _hashes(stage: dict[str, Any], key: str) -> dict[str, str]:
    return {entry["path"]: entry.get("md5", "") for entry in stage.get(key, ())}
