"""Add a round: sample from a system, judge, select and train once more, under new names; older rows stay the same.

The new rows are written to conf/rounds/<name>.yaml, which is added to the defaults of the scale's file.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from reset.errors import ResetError, nearest
from reset.params.answers import Curated
from reset.params.data import Prompts
from reset.params.document import Params
from reset.params.training import System


def rows(
    p: Params,
    name: str,
    *,
    sampler: str,
    init: str | None,
    prompts: str | None,
    overlap: int,
    available: Mapping[str, int],
) -> dict[str, Any]:
    """Return the rows of params.yaml's tables for the round `name`, which trains a system of that name.

    The system `sampler` answers the prompts; training starts from `init` (the sampler if None). `prompts` names a row
    of prompts. If it is None, new prompts are drawn: those after all that earlier rounds drew, except that the last
    `overlap` rows of each data set are drawn again. All else is as in the round that made the sampler, whatever its
    method; if no round made it, as in the first that keeps the best answers. `available` counts training rows per data
    set, where known. Raises `ResetError` for a name that exists already, an unknown name, and too few rows.
    """
    _check_new(name, p)
    _check_known(sampler, [*p.systems, *p.interpolated], "system")
    start = sampler if init is None else init
    _check_known(start, [*p.systems, *p.interpolated, *(f"base/{base}" for base in p.base)], "starting model")
    former, trained = _former_round(p, sampler)
    pool = p.pools[former.pool]
    new_prompts: dict[str, Any] = {}
    if prompts is None:
        prompts = f"{name}_prompts"
        drawn = p.prompts[former.prompts]
        new_prompts = {"prompts": {prompts: _next_prompts(p, drawn, overlap, available)}}
    else:
        _check_known(prompts, p.prompts, "row of prompts")
    test = p.pools[sampler] if sampler in p.pools else next(p.pools[system] for system in p.evaluate.systems)
    candidates = {"model": sampler, "prompts": prompts, **pool.model_dump(exclude={"model", "prompts"})}
    return {
        **new_prompts,
        "pools": {f"{name}_candidates": candidates, name: {**test.model_dump(), "model": name}},
        "curated": {name: {**former.model_dump(), "pool": f"{name}_candidates", "prompts": prompts}},
        "systems": {name: {**trained.model_dump(), "init": start, "data": f"curated/{name}", "keep": []}},
        "evaluate": {"systems": [*p.evaluate.systems, name]},
        "report": {"comparisons": [*p.report.comparisons, *([[name, sampler]] if sampler in p.pools else [])]},
    }


def _check_new(name: str, p: Params) -> None:
    existing = {*p.systems, *p.interpolated, *p.pools, *p.curated, *p.prompts}
    if clashes := [new for new in (name, f"{name}_candidates", f"{name}_prompts") if new in existing]:
        raise ResetError(f"'{clashes[0]}' exists already; a round never overwrites another")


def _check_known(name: str, known: Any, noun: str) -> None:
    if name not in known:
        raise ResetError(f"There is no {noun} '{name}'. {nearest(name, known)}")


def _former_round(p: Params, sampler: str) -> tuple[Curated, System]:
    """The curated set and the system of the round that made the sampler; else of the first with `pick: best`."""
    rounds = [
        (p.curated[system.data.removeprefix("curated/")], system)
        for system in ([p.systems[sampler]] if sampler in p.systems else []) + [*p.systems.values()]
        if system.data.startswith("curated/")
    ]
    made = [one for one in rounds if one[1] is p.systems.get(sampler)]
    best = [one for one in rounds if one[0].pick == "best"]
    if not made and not best:
        raise ResetError(
            "No system is trained on a curated set with pick: best, so there is no round to copy (params.yaml: curated)"
        )
    return (made or best)[0]


def _next_prompts(p: Params, former: Prompts, overlap: int, available: Mapping[str, int]) -> dict[str, Any]:
    """A row of `prompts` that skips all rows drawn before from the same split, less `overlap`."""
    ends = [row.skip + max(row.rows.values()) for row in p.prompts.values() if row.split == former.split]
    if not 0 <= overlap <= max(ends):
        raise ResetError(f"--overlap must be between 0 and {max(ends)} (rows already drawn), not {overlap}")
    skip = max(ends) - overlap
    for dataset, count in former.rows.items():
        if (total := available.get(dataset)) is not None and skip + count > total:
            remaining = max(0, total - skip)
            raise ResetError(
                f"Data set '{dataset}' has {remaining} training rows left, the round needs {count}: give --overlap "
                f"{skip + count - total + overlap} or more, or --prompts"
            )
    return {"split": former.split, "skip": skip, "rows": dict(former.rows)}


def add(conf: Path, scale: str, name: str, made: Mapping[str, Any]) -> Path:
    """Write the rows to `conf`/rounds/<name>.yaml, add that file to the scale's defaults, and return its path."""
    path, scale_file = conf / "rounds" / f"{name}.yaml", conf / "scale" / f"{scale}.yaml"
    lines = scale_file.read_text(encoding="utf-8").splitlines(keepends=True)
    try:
        last = max(i for i, line in enumerate(lines) if line.strip() == "- _self_" or line.startswith("  - /rounds/"))
    except ValueError as error:
        raise ResetError(f"{scale_file}: its defaults have no `- _self_`, after which a round is added") from error
    path.parent.mkdir(exist_ok=True)
    text = yaml.safe_dump(dict(made), sort_keys=False, default_flow_style=None, width=120)
    path.write_text(f"# @package _global_\n# Round {name}, added by `reset-lm round`.\n{text}", encoding="utf-8")
    scale_file.write_text("".join([*lines[: last + 1], f"  - /rounds/{name}\n", *lines[last + 1 :]]), encoding="utf-8")
    return path
