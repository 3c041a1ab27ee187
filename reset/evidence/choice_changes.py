"""Changes of winners and verdicts between two runs: winners by prompt, scores by answer."""

from collections import Counter
from pathlib import Path
from statistics import fmean
from typing import Any

from reset.evidence.revisions import Run
from reset.files import schemas

SHOWN = 20  # changed winners listed per curated set


def winners(a: Run, b: Run, pair: tuple[str, str]) -> dict[str, Any]:
    """Count the prompts of a curated set whose winner has another text in B, and the wins of each decode setting."""
    old, new = (
        {row["example_id"]: row for row in run.rows(name, schemas.CURATED) if not row["repeat"]}  # row 0 is the best
        for run, name in ((a, pair[0]), (b, pair[1]))
    )
    both = [example_id for example_id in new if example_id in old]
    changed = [key for key in both if old[key]["response"] != new[key]["response"]]
    settings = [Counter(row["setting"] for row in side.values()) for side in (old, new)]
    columns = ("setting", "score", "response")
    return {
        "was": Path(pair[0]).stem,
        "is": Path(pair[1]).stem,
        "prompts_a": len(old),
        "prompts_b": len(new),
        "both": len(both),
        "changed": len(changed),
        "settings": [
            {"setting": name, "a": settings[0][name], "b": settings[1][name]}
            for name in sorted(settings[0] | settings[1], key=lambda name: -(settings[0] + settings[1])[name])
        ],
        "prompts": [
            {
                "example_id": key,
                **{side: {name: rows[key][name] for name in columns} for side, rows in (("a", old), ("b", new))},
            }
            for key in changed[:SHOWN]
        ],
    }


def verdicts(a: Run, b: Run, pair: tuple[str, str]) -> list[dict[str, Any]]:
    """Compare a judge's scores of one pool, per verdict name, over the answers scored in both runs.

    Answers are matched by id (prompt, setting, sweep); their texts may differ. No rows if the tables are equal.
    """
    if (mark := a.mark(pair[0])) is not None and mark == b.mark(pair[1]):
        return []
    old, new = (
        {(row["name"], row["answer_id"]): row["score"] for row in run.rows(name, schemas.VERDICTS)}
        for run, name in ((a, pair[0]), (b, pair[1]))
    )
    rows, pools = [], [Path(name).parent.name for name in pair]
    for verdict in sorted({name for name, _ in old} & {name for name, _ in new}):
        keys = [key for key in new if key[0] == verdict and key in old]
        moved = [new[key] - old[key] for key in keys if new[key] is not None and old[key] is not None]
        rows.append(
            {
                "judge": Path(pair[1]).stem,
                "pool": pools[1] if pools[0] == pools[1] else f"{pools[1]} against {pools[0]}",
                "verdict": verdict,
                "answers": len(moved),
                "up": sum(step > 0 for step in moved),
                "down": sum(step < 0 for step in moved),
                "mean": round(fmean(moved), 4) if moved else None,
                "nulls_a": sum(score is None for key, score in old.items() if key[0] == verdict),
                "nulls_b": sum(score is None for key, score in new.items() if key[0] == verdict),
            }
        )
    return rows
