"""A further round: sample from a system, judge, select, train once more; under names of its own, older rows untouched.

The rows go to a file of their own, conf/rounds/<name>.yaml, which the scale's file names behind its defaults.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from reset.errors import ResetError, nearest
from reset.params.answers import Curated
from reset.params.data import Prompts
from reset.params.document import Params


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
    """The rows of params.yaml's tables that make the round `name`, which trains a system of that name.

    `sampler` answers, training starts from `init` (the sampler if None). Prompts are those of the row `prompts`, else
    new ones: behind all that any round has drawn, less `overlap` rows of each data set. Everything else is as in the
    round that made the sampler, or the first. `available` counts training rows per data set, where that is known.
    Raises `ResetError` for a name that is taken, one that is unknown, and too few rows.
    """
    taken = {*p.systems, *p.pools, *p.curated, *p.prompts}
    if clash := [one for one in (name, f"{name}_candidates", f"{name}_prompts") if one in taken]:
        raise ResetError(f"'{clash[0]}' is there already; a round never overwrites another")
    _known(sampler, p.systems, "system")
    start = sampler if init is None else init
    _known(start, [*p.systems, *(f"base/{one}" for one in p.base)], "starting model")
    like_name, like = _like(p, sampler)
    pool, trained = p.pools[like.pool], next(s for s in p.systems.values() if s.data == f"curated/{like_name}")
    made: dict[str, Any] = {}
    if prompts is None:
        prompts = f"{name}_prompts"
        drawn = p.prompts[like.prompts]
        made = {"prompts": {prompts: _prompts(p, drawn, overlap, available)}}
    else:
        _known(prompts, p.prompts, "row of prompts")
    test = p.pools[sampler] if sampler in p.pools else next(p.pools[one] for one in p.evaluate.systems)
    candidates = {"model": sampler, "prompts": prompts, "decode": pool.decode, "sweeps": pool.sweeps}
    return {
        **made,
        "pools": {f"{name}_candidates": candidates, name: {**test.model_dump(), "model": name}},
        "curated": {name: {**like.model_dump(), "pool": f"{name}_candidates", "prompts": prompts}},
        "systems": {name: {**trained.model_dump(), "init": start, "data": f"curated/{name}", "keep": []}},
        "evaluate": {"systems": [*p.evaluate.systems, name]},
    }


def _known(name: str, known: Any, what: str) -> None:
    if name not in known:
        raise ResetError(f"There is no {what} '{name}'. {nearest(name, known)}")


def _like(p: Params, sampler: str) -> tuple[str, Curated]:
    """The curated set that the sampler was trained on, else the first that keeps the best answers and is trained on."""
    used = [system.data.removeprefix("curated/") for system in p.systems.values()]
    own = p.systems[sampler].data.removeprefix("curated/")
    best = [one for one, row in p.curated.items() if row.pick == "best" and one in used]
    if not best:
        raise ResetError(
            "No system is trained on a curated set yet: there is no round to follow (params.yaml: curated)"
        )
    chosen = own if own in best else best[0]
    return chosen, p.curated[chosen]


def _prompts(p: Params, like: Prompts, overlap: int, available: Mapping[str, int]) -> dict[str, Any]:
    """Rows of each data set behind those that any row of `prompts` draws from the same split, less the overlap."""
    ends = [row.skip + max(row.rows.values()) for row in p.prompts.values() if row.split == like.split]
    if not 0 <= overlap <= max(ends):
        raise ResetError(f"An overlap of {overlap} rows cannot be: {max(ends)} rows of each data set were drawn before")
    skip = max(ends) - overlap
    for dataset, count in like.rows.items():
        if (most := available.get(dataset)) is not None and skip + count > most:
            left = max(0, most - skip)
            raise ResetError(
                f"Data set '{dataset}' has {left} training rows left, the round needs {count}: give --overlap "
                f"{skip + count - most + overlap} or more, or --prompts"
            )
    return {"split": like.split, "skip": skip, "rows": dict(like.rows)}


def add(conf: Path, scale: str, name: str, made: Mapping[str, Any]) -> Path:
    """Write the rows to `conf`/rounds/<name>.yaml and name that file in the scale's defaults; return its path."""
    path, of_scale = conf / "rounds" / f"{name}.yaml", conf / "scale" / f"{scale}.yaml"
    lines = of_scale.read_text(encoding="utf-8").splitlines(keepends=True)
    try:
        last = max(i for i, line in enumerate(lines) if line.strip() == "- _self_" or line.startswith("  - /rounds/"))
    except ValueError as error:
        raise ResetError(f"{of_scale}: its defaults have no `- _self_` to put the round behind") from error
    path.parent.mkdir(exist_ok=True)
    text = yaml.safe_dump(dict(made), sort_keys=False, default_flow_style=None, width=120)
    path.write_text(f"# @package _global_\n# Round {name}, added by `reset-lm round`.\n{text}", encoding="utf-8")
    of_scale.write_text("".join([*lines[: last + 1], f"  - /rounds/{name}\n", *lines[last + 1 :]]), encoding="utf-8")
    return path
