"""Compare two runs: parameters, scores, tables, winners, judges, decode settings.

Tables are matched by name. With `rounds`, one system of A and one of B (possibly of the same run) are compared instead,
with the data and pools behind them. Scores are paired by test prompt.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reset import checkpoint_names, objectives
from reset.errors import ResetError, nearest
from reset.evidence import choice_changes, repeats, table_changes
from reset.evidence.revisions import Run
from reset.evidence.table_changes import Pair
from reset.files import tables
from reset.judges import verdict_names
from reset.scoring import averages, bootstrap, evaluate
from reset.tracking.figures import flatten


def compare(a: Run, b: Run, *, rounds: tuple[str, str] | None, resamples: int, seed: int) -> dict[str, Any]:
    """Return all that `reset-lm diff` shows, ready for JSON.

    Raises `ResetError` for a run without tables, and for a system of `rounds` that its run does not have.
    """
    pairs = _table_pairs(a, b, rounds) if rounds else table_changes.pairs(a, b)
    for run, place in ((a, 0), (b, 1)):
        if not any(pair[place] for pair in pairs):
            raise ResetError(f"'{run.name}' holds no tables: data/ is empty or missing")
    names = [(f"metrics/systems/{x}.json", f"metrics/systems/{y}.json") for x, y in _system_pairs(a, b, rounds)]
    scores = [row for pair in names for row in _scores(a, b, pair, resamples, seed)]
    params = a.yaml("params.yaml"), b.yaml("params.yaml")
    tested = [row for row in scores if row["dataset"] is None and row["score"] in _tested(*params)]
    for row, holm in zip(tested, bootstrap.holm([row["p"] for row in tested]), strict=True):
        row["p_holm"] = holm
    stand_ins = verdict_names.stand_ins(params[0]) | verdict_names.stand_ins(params[1])
    return {
        "a": a.name,
        "b": b.name,
        "scales": [a.scale, b.scale],
        "same_inputs_other_outputs": repeats.unequal(a, b),
        "rounds": rounds,
        "params": _params(*params),
        "scores": scores,
        "tables": [table_changes.compare(a, b, pair) for pair in pairs],
        "winners": [choice_changes.winners(a, b, pair) for pair in _in_both(pairs, "data/curated")],
        "judges": [
            row | ({"stand_in": True} if row["verdict"] in stand_ins else {})
            for pair in _in_both(pairs, "data/verdicts")
            for row in choice_changes.verdicts(a, b, pair)
        ],
    }


def _tested(a: Mapping[str, Any], b: Mapping[str, Any]) -> set[str]:
    """The macro averages whose p values get Holm's correction: those that a run compares (`objectives.*.compare`)."""
    compared = [objectives.measures(objectives.read(params.get("objectives", {}))) for params in (a, b)]
    return {objectives.macro_name(*of) for measures in compared for of in measures.values()}


def _in_both(pairs: Sequence[Pair], folder: str) -> list[tuple[str, str]]:
    return [(x, y) for x, y in pairs if x and y and x.startswith(f"{folder}/")]


def _system_pairs(a: Run, b: Run, rounds: tuple[str, str] | None) -> list[tuple[str, str]]:
    """Pairs of evaluated systems to compare: those with the same name, or the two of `rounds`."""
    if rounds:
        return [rounds]
    evaluated = [
        {Path(name).stem for name in run.files("metrics/systems") if name.endswith(".json") and run.figures(name)}
        for run in (a, b)
    ]
    return [(name, name) for name in sorted(evaluated[0] & evaluated[1])]


def _table_pairs(a: Run, b: Run, rounds: tuple[str, str]) -> list[Pair]:
    """Pairs of the tables that the two systems were trained on and tested with, matched by their use."""
    sides = [_tables_of(run, system) for run, system in zip((a, b), rounds, strict=True)]
    pairs: list[Pair] = []
    for use in dict.fromkeys(use for side in sides for use in side):
        pair = (sides[0].get(use), sides[1].get(use))
        if any(pair):
            pairs.append(pair)
    return pairs


def _tables_of(run: Run, system: str) -> dict[str, str]:
    """The tables of `run` that a system was trained on and tested with, as use -> table name."""
    params = run.yaml("params.yaml")
    systems = params.get("systems", {})
    trained = checkpoint_names.system(params.get("pools", {}).get(system, {}).get("model", system))
    if trained not in systems and trained not in params.get("interpolated", {}):
        raise ResetError(f"'{run.name}' has no system '{system}'. {nearest(system, systems)}")
    folder, _, name = systems[trained]["data"].partition("/") if trained in systems else ("", "", "")
    by_use = {"data": f"data/{folder}/{name}.parquet"}
    pools = {"test": system}
    if folder == "curated":
        row = params["curated"][name]
        by_use["prompts"] = f"data/prompts/{row['prompts']}.parquet"
        pools["candidates"] = row["pool"]
    for use, pool in pools.items():
        by_use[f"{use} answers"] = f"data/answers/{pool}.parquet"
        by_use |= {f"{use} {judge}": f"data/verdicts/{pool}/{judge}.parquet" for judge in params["judges"]}
    existing = {name for folder in table_changes.KEYS for name in run.files(folder)}
    return {use: name for use, name in by_use.items() if name in existing}


def _params(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[dict[str, str | None]]:
    """The parameters that differ; None if a run lacks one."""
    old, new = flatten(a), flatten(b)
    keys = dict.fromkeys([*old, *new])
    return [{"key": key, "a": old.get(key), "b": new.get(key)} for key in keys if old.get(key) != new.get(key)]


def _scores(a: Run, b: Run, names: tuple[str, str], resamples: int, seed: int) -> list[dict[str, Any]]:
    """B minus A for one system: each macro average, then each data set and objective; empty if no score changed."""
    systems = [Path(name).stem for name in names]
    files = [f"data/scores/{system}.parquet" for system in systems]
    marks = [run.mark(name) for run, name in ((a, files[0]), (b, files[1]))]
    paths = [run.path(name) for run, name in ((a, files[0]), (b, files[1]))]
    summaries = [summary for run, name in ((a, names[0]), (b, names[1])) if (summary := run.figures(name))]
    if None in paths or len(summaries) < 2 or (marks[0] is not None and marks[0] == marks[1]):
        return []
    old, new = (averages.grouped(tables.read(path, evaluate.SCORES)) for path in paths if path)
    rows = []
    label = systems[1] if systems[0] == systems[1] else f"{systems[1]} against {systems[0]}"
    for score in summaries[1]["macro"]:
        if score in summaries[0]["macro"]:
            figures = [summary["macro"][score] for summary in summaries]
            sides = _scores_of_macro(new, score), _scores_of_macro(old, score)
            difference = bootstrap.macro_difference(*sides, resamples=resamples, seed=seed)
            rows.append(_score(label, None, score, figures, difference))
    for dataset in sorted(old.keys() & new.keys()):
        for name in sorted(old[dataset].keys() & new[dataset].keys()):
            figures = [summary["datasets"][dataset]["scores"][name] for summary in summaries]
            sides = {dataset: _by_prompt(new[dataset][name])}, {dataset: _by_prompt(old[dataset][name])}
            difference = bootstrap.macro_difference(*sides, resamples=resamples, seed=seed)
            rows.append(_score(label, dataset, name, figures, difference))
    return rows


def _score(
    system: str,
    dataset: str | None,
    score: str,
    figures: Sequence[Mapping[str, Any]],
    difference: bootstrap.Difference,
) -> dict[str, Any]:
    changed = {"difference": difference.mean, "low": difference.low, "high": difference.high}
    rounded = {key: None if value is None else round(value, 4) for key, value in changed.items()}
    names = {"system": system, "dataset": dataset, "score": score}
    means = {side: of_side["mean"] for side, of_side in zip("ab", figures, strict=True)}
    mark = {"stand_in": True} if any(of_side.get("stand_in") for of_side in figures) else {}
    return {**names, **means, **rounded, "p": difference.p, "prompts": difference.prompts, **mark}


def _scores_of_macro(
    by_dataset: Mapping[str, averages.ByObjective], score: str
) -> dict[str, dict[bootstrap.Key, float]]:
    """The scores behind one macro average, by data set."""
    members = dict(averages.macros(by_dataset)).get(score, [])
    return {rows[0]["dataset"]: _by_prompt(rows) for rows in members}


def _by_prompt(rows: Sequence[tables.Row]) -> dict[bootstrap.Key, float]:
    """The scores that are not null, keyed as those of a single run."""
    return {(0, row["example_id"]): row["score"] for row in rows if row["score"] is not None}
