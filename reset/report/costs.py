"""What a run took: per stage its rows, tokens and, where `dvc repro` noted them on this machine, seconds."""

from collections.abc import Mapping, Sequence
from typing import Any

from reset.files.metrics import Metrics
from reset.files.tables import Row

MADE = {  # stage -> folder of metrics; the keys of rows and of tokens
    "train": ("train", "rows_out", "tokens"),
    "sample": ("sample", "rows_out", "tokens"),
    "judge": ("judge", "rows_out", None),
    "select": ("select", "rows_out", None),
    "evaluate": ("systems", "rows_in", None),
}


def rows(metrics: Metrics, seconds: Mapping[str, float]) -> list[Row]:
    """Return a row per stage that wrote metrics or whose seconds are known; `seconds` are by stage, `train@mtl`."""
    names = [*dict.fromkeys(name.partition("@")[0] for name in seconds), *MADE]
    found = []
    for stage in dict.fromkeys(names):
        own = [value for name, value in seconds.items() if name.partition("@")[0] == stage]
        row = {"stage": stage, **_counts(metrics, stage), "seconds": round(sum(own)) if own else None}
        if row["runs"] or own:
            found.append({**row, "runs": row["runs"] or len(own)})
    return found


def _counts(metrics: Metrics, stage: str) -> Row:
    if stage not in MADE:
        return {"runs": 0, "rows": None, "tokens": None}
    folder, of_rows, of_tokens = MADE[stage]
    figures = list(metrics.of(folder).values())
    return {
        "runs": len(figures),
        "rows": sum(one.get(of_rows, 0) for one in figures),
        "tokens": sum(one.get(of_tokens, 0) for one in figures) if of_tokens else None,
    }


def longest(seconds: Mapping[str, float], most: int = 12) -> list[Row]:
    """Return the runs that took longest."""
    order = sorted(seconds.items(), key=lambda item: -item[1])
    return [{"run of a stage": name, "seconds": round(value)} for name, value in order[:most]]


def spoken(seconds: float) -> str:
    """Return a duration in words: `7 min 41 s`."""
    hours, rest = divmod(round(seconds), 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {left} s" if minutes else f"{left} s"


def facts(
    metrics: Metrics,
    what: Mapping[str, Any],
    where: Mapping[str, Any],
    seconds: Mapping[str, float],
    dollars: Sequence[Row],
) -> list[tuple[str, str]]:
    """Return what was run, as name and text; `what` the params say comes first, `where` it ran later."""
    sampled, judged = metrics.of("sample").values(), metrics.of("judge").values()
    counts = {
        "answers": sum(one.get("rows_out", 0) for one in sampled),
        "verdicts": sum(verdict["n"] for one in judged for verdict in one.get("verdicts", {}).values()),
    }
    found = {**what, **{name: f"{count:,}" for name, count in counts.items() if count}, **where}
    if seconds:
        found["time"] = spoken(sum(seconds.values()))
    paid = [row["usd"] for row in dollars]
    found["cost"] = (
        "no paid judge" if not paid else "unknown price" if None in paid else f"${sum(paid):,.2f} in the ledger"
    )
    return [(name, str(value)) for name, value in found.items() if value not in (None, "")]
