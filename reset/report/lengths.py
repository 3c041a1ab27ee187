"""Scores by answer length (the paper's Figures 5 and 7), from the scores per prompt.

Figure 5 compares with the gold answer in words (split at whitespace), because a gold answer has no token count; the
paper uses tokens. Figure 7 compares the answers of two systems in tokens, as in the paper.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from reset.files.tables import Row, read
from reset.objectives import kind
from reset.scoring.evaluate import SCORES


def scores(folder: Path, names: Sequence[str]) -> dict[str, list[Row]]:
    """Read the scores per prompt of those systems among `names` that have them."""
    paths = {name: folder / f"{name}.parquet" for name in names}
    return {name: list(read(path, SCORES)) for name, path in paths.items() if path.is_file()}


def groups(
    by_system: Mapping[str, Sequence[Row]], objective: str, much_longer: int, *, stand_in: bool = False
) -> list[Row]:
    """Figure 5: mean of an objective of abstractive answers, grouped by words beyond the gold answer; null if empty.

    The paper's objective is faithfulness. `stand_in`: whether the objective rests on a judge that stands in for a
    real one.
    """
    rows, mark = [], {"stand_in": True} if stand_in else {}
    for system, scored in by_system.items():
        compared = [
            row
            for row in scored
            if row["objective"] == objective
            and kind(row["task"]) == "abstractive"
            and row["score"] is not None
            and row["reference_words"] is not None
        ]
        by_group: dict[str, list[float]] = {name: [] for name in _group_names(much_longer)}
        for row in compared:
            by_group[_group(row["words"] - row["reference_words"], much_longer)].append(row["score"])
        rows += [
            {"system": system, "length": name, "n": len(values), objective: _mean(values), **mark}
            for name, values in by_group.items()
        ]
    return rows


def _group_names(much_longer: int) -> tuple[str, str, str]:
    return "no longer than gold", f"up to {much_longer} words longer", f"over {much_longer} words longer"


def _group(excess: int, much_longer: int) -> str:
    return _group_names(much_longer)[0 if excess <= 0 else 1 if excess <= much_longer else 2]


def matched(
    by_system: Mapping[str, Sequence[Row]],
    pairs: Sequence[Sequence[str]],
    objective: str,
    similar: int,
    *,
    on: Sequence[str] | None = None,
    stand_in: bool = False,
) -> Iterator[Row]:
    """Figure 7: an objective of pairs of systems, on all prompts and on those with answers of similar length.

    The paper's objective is instruction. Only the prompts of the data sets `on` are compared; None: of all. Similar:
    the two answers differ by at most `similar` tokens. `stand_in` is as in `groups`.
    """
    for system, against in pairs:
        if system in by_system and against in by_system:
            new, old = (
                {
                    row["example_id"]: row
                    for row in by_system[name]
                    if row["objective"] == objective
                    and row["score"] is not None
                    and (on is None or row["dataset"] in on)
                }
                for name in (system, against)
            )
            both = [key for key in new if key in old]
            equal = [key for key in both if abs(new[key]["tokens"] - old[key]["tokens"]) <= similar]
            for name, ids in (("all", both), (f"within {similar} tokens", equal)):
                yield {
                    **{"system": system, "against": against, "prompts": name, "n": len(ids)},
                    "before": _mean([old[key]["score"] for key in ids]),
                    "after": _mean([new[key]["score"] for key in ids]),
                    **({"stand_in": True} if stand_in else {}),
                }


def _mean(values: Sequence[float]) -> float | None:
    return round(fmean(values), 4) if values else None
