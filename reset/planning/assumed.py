"""Hours, gigabytes and dollars of a scale before there are data: from section `plan` of params.yaml and the tables.

Nothing is read but params.yaml. Rows and answers are the most that the tables allow, and nothing runs beside anything
else. The other modules of this room count the work once the data exist.
"""

from reset.params.document import Params
from reset.params.plan import Plan
from reset.planning import row_counts


def whole(p: Params) -> dict[str, float] | None:
    """Return the hours of each kind of stage and of all, gigabytes downloaded and of all systems, and dollars.

    None if `plan` is null, or if it cannot be told from the tables how many rows a system trains on.
    """
    if p.plan is None:
        return None
    trained = [row_counts.trained_rows(p, system) for system in p.systems.values()]
    if None in trained:
        return None
    answers = [row_counts.answers(p, pool) for pool in p.pools.values()]
    seconds = _seconds(p, p.plan, sum(row or 0.0 for row in trained), sum(answers))
    hours = {f"{kind}_hours": spent / 3600 for kind, spent in seconds.items()}
    models = sum(1 + len(system.keep) for system in p.systems.values()) + len(p.interpolated)
    return {
        **hours,
        "hours": sum(hours.values()),
        "download_gb": sum(p.plan.download_gb.values()),
        "systems_gb": models * p.plan.written_gb_per_system,
        "usd": sum(hours.values()) * p.plan.device_usd,
    }


def _seconds(p: Params, assumed: Plan, rows: float, answers: int) -> dict[str, float]:
    stages = len(p.systems) + len(p.interpolated) + len(p.pools) * (1 + len(p.judges))
    return {
        "train": rows * assumed.row_tokens / assumed.train_tokens_per_s,
        "sample": answers * assumed.answer_tokens / assumed.sample_tokens_per_s,
        "judge": sum(answers / assumed.answers_per_s[name] for name in p.judges if name in assumed.answers_per_s),
        "start": stages * assumed.stage_s,
    }
