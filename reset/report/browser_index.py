"""One short row per prompt, by which the page lists, filters and sorts: scores, disagreement, kept answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reset.choosing.agreement import STAND_IN
from reset.files.tables import Row
from reset.objectives import Speaker

HEADING = 110  # characters of a prompt shown in the list
Speakers = Mapping[str, Speaker]  # objective -> what speaks for it


@dataclass(frozen=True)
class Names:
    """What the numbers in a row count."""

    pools: Sequence[str]
    objectives: Sequence[str]
    curated: Sequence[str]


def row(record: Row, where: Sequence[Any], speakers: Speakers, names: Names) -> list[Any]:
    """Return id, shelf, data set, heading, block and place in it, then four tables with numbers of `names` as keys.

    They are: pool -> mean of each objective over its answers (null: none), pool -> largest disagreement of judges on
    one of its answers, curated set -> number of the text that it kept, among the distinct texts of the prompt,
    pool -> what people said of its answers (objective -> values) and which failures they ticked. `where` is shelf,
    block and place.
    """
    shelf, block, place = where
    return [
        *(record["id"], shelf, record["dataset"], _heading(record), block, place),
        *(_scores(record, speakers, names), _disagreement(record, speakers, names), _kept(record, names)),
        _labelled(record, names),
    ]


def _heading(record: Row) -> str:
    text = " ".join((record["question"] or record["instruction"]).split())
    if record["task"] == "summarization":
        text = " ".join(record["passages"])
    return text[:HEADING]


def _by_pool(record: Row, names: Names) -> dict[int, list[dict[str, float | None]]]:
    """The verdicts of each answer, by name, by the number of its pool."""
    found: dict[int, list[dict[str, float | None]]] = {}
    for answer in record["answers"]:
        said = {name.removesuffix(STAND_IN): score for _, name, score, _ in answer["verdicts"]}
        found.setdefault(names.pools.index(answer["pool"]), []).append(said)
    return dict(sorted(found.items()))


def _scores(record: Row, speakers: Speakers, names: Names) -> dict[int, list[float | None]]:
    found = {}
    for pool, answers in _by_pool(record, names).items():
        means = [
            _mean([speakers[one].value(said) for said in answers] if one in speakers else [])
            for one in names.objectives
        ]
        if any(mean is not None for mean in means):
            found[pool] = means
    return found


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), 3) if known else None


def _disagreement(record: Row, speakers: Speakers, names: Names) -> dict[int, float]:
    """How far another verdict is from one that speaks for the prompt's first objective.

    Only verdicts that speak for the same objective or for none are another opinion of the same: a summary may be
    faithful and of little use.
    """
    first = next((one for one in names.objectives if one in speakers), None)
    if first is None:
        return {}
    own = {*speakers[first].verdicts}
    others = {name for one, speaker in speakers.items() if one != first for name in speaker.verdicts} - own
    found = {
        pool: [_distance(said, own, others) for said in said_of] for pool, said_of in _by_pool(record, names).items()
    }
    return {pool: round(max(far), 3) for pool, far in found.items() if max(far) > 0}


def _distance(said: Mapping[str, float | None], own: set[str], others: set[str]) -> float:
    known = {name: score for name, score in said.items() if score is not None and name not in others}
    far = [abs(score - known[name]) for name in own if name in known for score in known.values()]
    return max(far, default=0.0)


def _kept(record: Row, names: Names) -> dict[int, int]:
    """The number of the text that each curated set kept."""
    texts: dict[str, int] = {}
    by_id = {}
    for answer in record["answers"]:
        by_id[answer["pool"], answer["id"]] = texts.setdefault(answer["text"], len(texts))
    return {
        names.curated.index(pick["curated"]): by_id[key]
        for pick in record["picked"]
        if (key := (pick["pool"], pick["answer"])) in by_id
    }


def _labelled(record: Row, names: Names) -> dict[int, tuple[dict[str, list[float]], list[str]]]:
    """The values that people gave per objective, without "cannot tell", and the failures that they ticked."""
    found: dict[int, tuple[dict[str, list[float]], list[str]]] = {}
    for answer in record["answers"]:
        for _, values, failures, _ in answer.get("labels", ()):
            own = found.setdefault(names.pools.index(answer["pool"]), ({}, []))
            for name, value in values.items():
                own[0].setdefault(name, []).extend([] if value is None else [value])
            own[1].extend(failure for failure in failures if failure not in own[1])
    return found
