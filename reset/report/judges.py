"""How judges and watchers of each choice agree, go by length and gain: rows out of metrics/select and metrics/watch."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reset.choosing.agreement import LENGTH
from reset.files.tables import Row, read_json


def _said(metrics: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Curated set, task and figures: of the judges, then of each watcher."""
    for path in sorted((metrics / "select").glob("*.json")):
        for task, figures in read_json(path).get("judges", {}).items():
            yield path.stem, task, figures
    for path in sorted((metrics / "watch").glob("*.json")):
        for name, tasks in read_json(path)["choices"].items():
            for task, figures in tasks.items():
                yield name, task, figures


def watched(metrics: Path) -> list[Row]:
    """What each watcher says of each pool: answers, nulls and mean per verdict."""
    return [
        {"watcher": path.stem, "pool": pool, "verdict": verdict, **figures}
        for path in sorted((metrics / "watch").glob("*.json"))
        for pool, verdicts in read_json(path)["pools"].items()
        for verdict, figures in verdicts.items()
    ]


def means(metrics: Path) -> list[Row]:
    """Per curated set, task and verdict: mean over the pool, mean over the kept, gamma with the answers' length."""
    return [
        {
            "curated": name,
            "task": task,
            "verdict": verdict,
            **gained,
            "gamma_with_length": _gamma(said, verdict, LENGTH),
        }
        for name, task, said in _said(metrics)
        for verdict, gained in said["means"].items()
        if verdict != LENGTH
    ]


def agreement(metrics: Path) -> list[Row]:
    """Gamma of each two verdicts on the answers to one prompt, with the number of pairs of answers it rests on."""
    return [
        {"curated": name, "task": task, "first": first, "second": second, **figures}
        for name, task, said in _said(metrics)
        for (first, second), figures in ((pair.split("|"), figures) for pair, figures in said["agreement"].items())
        if LENGTH not in (first, second)
    ]


def spread(metrics: Path) -> list[Row]:
    """What each axis brings to the weighted sum that chooses: weight times standard deviation within a prompt."""
    return [
        {"curated": name, "task": task, "axis": axis, "spread": value}
        for name, task, said in _said(metrics)
        for axis, value in said.get("spread", {}).items()
    ]


def warnings(metrics: Path) -> list[Row]:
    """Where the judges that choose rose while another fell, or while answers grew longer or shorter."""
    return [
        {"curated": name, "task": task, "warning": text}
        for name, task, said in _said(metrics)
        for text in said["warnings"]
    ]


def _gamma(said: dict[str, Any], first: str, second: str) -> float | None:
    found = said["agreement"].get("|".join(sorted((first, second))))
    return found["gamma"] if found else None
