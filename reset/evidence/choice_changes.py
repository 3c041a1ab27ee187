"""How choices and verdicts moved from one run to another: winners by prompt, scores by answer."""

from collections import Counter
from pathlib import Path
from statistics import fmean
from typing import Any

from reset.evidence.revisions import Run
from reset.files import schemas

SHOWN = 20  # prompts named whose winner changed, per curated set


def winners(a: Run, b: Run, pair: tuple[str, str]) -> dict[str, Any]:
    """Prompts of a curated set whose winner is another text now, and how often each setting wins."""
    old, new = (
        {row["example_id"]: row for row in run.rows(name, schemas.CURATED) if not row["repeat"]}  # the best of several
        for run, name in ((a, pair[0]), (b, pair[1]))
    )
    both = [example_id for example_id in new if example_id in old]
    changed = [one for one in both if old[one]["response"] != new[one]["response"]]
    settings = [Counter(row["setting"] for row in side.values()) for side in (old, new)]
    keys = ("setting", "score", "response")
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
                "example_id": one,
                **{side: {key: rows[one][key] for key in keys} for side, rows in (("a", old), ("b", new))},
            }
            for one in changed[:SHOWN]
        ],
    }


def verdicts(a: Run, b: Run, pair: tuple[str, str]) -> list[dict[str, Any]]:
    """How far a judge's scores of one pool moved, per verdict name, over the answers scored in both runs.

    An answer is the same by its id: prompt, setting and sweep; its text may be another model's.
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
