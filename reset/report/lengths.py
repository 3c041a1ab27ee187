"""Whether length explains a score: the paper's Figures 5 and 7, from the scores per prompt.

Lengths against the gold answer are in words (split at blanks), because a gold answer has no token count; the paper's
are in tokens. Lengths of two systems' answers to one prompt are in tokens, as in the paper.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from reset.files.tables import Row, read
from reset.scoring.evaluate import SCORES

ABSTRACTIVE = ("abstractive_qa", "summarization")


def scores(folder: Path, names: Sequence[str]) -> dict[str, list[Row]]:
    """The scores per prompt of those systems that have them."""
    paths = {name: folder / f"{name}.parquet" for name in names}
    return {name: list(read(path, SCORES)) for name, path in paths.items() if path.is_file()}


def groups(found: Mapping[str, Sequence[Row]], much_longer: int) -> list[Row]:
    """Figure 5: mean faithfulness of abstractive answers by how much longer than gold they are; null where none is."""
    rows = []
    for system, scored in found.items():
        known = [
            row
            for row in scored
            if row["axis"] == "faithfulness"
            and row["task"] in ABSTRACTIVE
            and row["score"] is not None
            and row["reference_words"] is not None
        ]
        by_group: dict[str, list[float]] = {name: [] for name in _names(much_longer)}
        for row in known:
            by_group[_group(row["words"] - row["reference_words"], much_longer)].append(row["score"])
        rows += [
            {"system": system, "length": name, "n": len(values), "faithfulness": _mean(values)}
            for name, values in by_group.items()
        ]
    return rows


def _names(much_longer: int) -> tuple[str, str, str]:
    return "no longer than gold", f"up to {much_longer} words longer", f"over {much_longer} words longer"


def _group(excess: int, much_longer: int) -> str:
    return _names(much_longer)[0 if excess <= 0 else 1 if excess <= much_longer else 2]


def matched(found: Mapping[str, Sequence[Row]], pairs: Sequence[tuple[str, str]], similar: int) -> Iterator[Row]:
    """Figure 7: instruction scores of pairs of systems, on all prompts and on those answered about equally long.

    Equally long: the two answers differ by at most `similar` tokens either way.
    """
    for system, against in pairs:
        if system in found and against in found:
            new, old = (
                {
                    row["example_id"]: row
                    for row in found[name]
                    if row["axis"] == "instruction" and row["score"] is not None
                }
                for name in (system, against)
            )
            both = [one for one in new if one in old]
            equal = [one for one in both if abs(new[one]["tokens"] - old[one]["tokens"]) <= similar]
            for name, ids in (("all", both), (f"within {similar} tokens", equal)):
                yield {
                    **{"system": system, "against": against, "prompts": name, "n": len(ids)},
                    "before": _mean([old[one]["score"] for one in ids]),
                    "after": _mean([new[one]["score"] for one in ids]),
                }


def _mean(values: Sequence[float]) -> float | None:
    return round(fmean(values), 4) if values else None
