"""Agreement of judges with people's labels, of people with each other, and the weights and floors that labels propose.

Of an objective, each verdict on the labelled answers is compared with the labels, and so is the objective's own value
as params.yaml declares it (`DECLARED`). The label of an answer is the mean of what people said; it means yes above 0.5
and no below, and an answer on which people are undecided (0.5) is left out. All intervals are 95 % bootstrap intervals
over prompts, each with all its answers. They hold for the sample, which is stratified, not for the pool.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from reset.evidence.judge_quality import Floats, auroc, balanced_accuracy, draws, interval
from reset.evidence.label_sample import JudgedAnswers
from reset.evidence.label_table import Label
from reset.evidence.rater_agreement import accuracy, alpha, kappa, of_two
from reset.objectives import ByTask

DECLARED = "as declared"
Figures = dict[str, Any]


@dataclass(frozen=True)
class Options:
    """How figures are computed: `least` labelled answers, below which there are none."""

    threshold: float
    least: int
    resamples: int
    seed: int


@dataclass(frozen=True)
class Labelled:
    """A labelled answer: what its judges said, its objectives' values, and what people said, by objective."""

    prompt: str
    scores: Mapping[str, float | None]
    values: Mapping[str, float | None]
    said: Mapping[str, Mapping[str, float]]  # objective -> who -> value, without null

    def label(self, objective: str) -> float | None:
        """Return the mean of what people said; None if nobody could tell, or if they are undecided."""
        known = self.said.get(objective, {}).values()
        mean = fmean(known) if known else 0.5
        return None if mean == 0.5 else mean


def gather(labels: Iterable[Label], pools: Mapping[str, JudgedAnswers], speakers: ByTask) -> list[Labelled]:
    """Join labels with the verdicts on the answers that they are of."""
    by_answer: dict[tuple[str, str], list[Label]] = {}
    for label in labels:
        by_answer.setdefault((label.pool, label.answer_id), []).append(label)
    rows = []
    for (pool, answer_id), own in by_answer.items():
        answer, scores = pools[pool].answers[answer_id], pools[pool].scores[answer_id]
        values = {name: speaker.value(scores) for name, speaker in speakers.get(answer["task"], {}).items()}
        said: dict[str, dict[str, float]] = {}
        for label in own:
            for name, value in label.objectives.items():
                if value is not None:
                    said.setdefault(name, {})[label.who] = value
        rows.append(Labelled(answer["example_id"], scores, values, said))
    return rows


def judges(rows: Sequence[Labelled], options: Options) -> dict[str, dict[str, Figures]]:
    """Return the figures of each objective: of `DECLARED` first, then of each verdict on its labelled answers."""
    found: dict[str, dict[str, Figures]] = {}
    for objective in _objectives(rows):
        labelled = [row for row in rows if row.label(objective) is not None]
        names = sorted({name for row in labelled for name in row.scores})
        columns = {DECLARED: [row.values.get(objective) for row in labelled]} if objective in _declared(rows) else {}
        columns |= {name: [row.scores.get(name) for row in labelled] for name in names}
        found[objective] = {name: _figures(labelled, objective, column, options) for name, column in columns.items()}
    return found


def _objectives(rows: Iterable[Labelled]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row.said))


def _declared(rows: Iterable[Labelled]) -> set[str]:
    return {name for row in rows for name in row.values}


def scored(
    rows: Sequence[Labelled], objective: str, column: Sequence[float | None]
) -> tuple[Floats, Floats, list[str]]:
    """Return scores, labels and prompts of the rows that have a score and a label."""
    pairs = [(s, row.label(objective), row.prompt) for row, s in zip(rows, column, strict=True)]
    known = [(score, label, prompt) for score, label, prompt in pairs if score is not None and label is not None]
    return np.array([one[0] for one in known]), np.array([one[1] for one in known]), [one[2] for one in known]


def _figures(rows: Sequence[Labelled], objective: str, column: Sequence[float | None], options: Options) -> Figures:
    scores, labels, prompts = scored(rows, objective, column)
    yes = (labels > 0.5).astype(np.float64)
    counts: Figures = {"n": len(scores), "yes": int(yes.sum()), "too_few": len(scores) < options.least}
    if counts["too_few"]:
        return counts
    drawn = draws(prompts, options.resamples, options.seed)
    return {
        **counts,
        "auroc": interval(auroc, drawn, scores, yes),
        "accuracy": interval(accuracy(options.threshold), drawn, scores, yes),
        "kappa": interval(kappa(options.threshold), drawn, scores, yes),
        "alpha": interval(of_two("interval"), drawn, scores, labels),
    }


def people(rows: Sequence[Labelled], points: int, options: Options) -> dict[str, Figures]:
    """Return, of each objective that several people labelled, alpha between them and on how many answers they differ.

    With two `points` values are nominal, with more on an interval scale.
    """
    found = {}
    for objective in _objectives(rows):
        both = [row for row in rows if len(row.said.get(objective, {})) > 1]
        if not both:
            continue
        who = sorted({name for row in both for name in row.said[objective]})
        values = np.array([[row.said[objective].get(name, np.nan) for name in who] for row in both])
        differ = sum(len({*row.said[objective].values()}) > 1 for row in both)
        found[objective] = {"people": who, "n": len(both), "differ": differ, "too_few": len(both) < options.least}
        if len(both) >= options.least:
            drawn = draws([row.prompt for row in both], options.resamples, options.seed)
            level = "nominal" if points == 2 else "interval"
            found[objective]["alpha"] = interval(lambda of, level=level: alpha(of, level), drawn, values)
    return found


def floors(rows: Sequence[Labelled], present: Mapping[str, float], options: Options) -> dict[str, Figures]:
    """Return the floor of each objective that parts its labels best, by balanced accuracy; of equal ones the lowest.

    The accuracy is of the same labels, so it is optimistic; the interval of the floor tells how far to trust it.
    `present` are the floors that are set.
    """
    found = {}
    for objective in _objectives(rows):
        scores, labels, prompts = scored(rows, objective, [row.values.get(objective) for row in rows])
        yes = (labels > 0.5).astype(np.float64)
        if len(scores) < options.least or yes.min() == yes.max():
            continue
        drawn = draws(prompts, options.resamples, options.seed)
        floor = best_floor(scores, yes)
        found[objective] = {
            "floor": interval(best_floor, drawn, scores, yes),
            "balanced_accuracy": round(balanced_accuracy(floor)(scores, yes), 4),
            "present": present.get(objective),
            "present_balanced_accuracy": round(balanced_accuracy(present.get(objective, 0.0))(scores, yes), 4),
            "n": len(scores),
        }
    return found


def best_floor(scores: Floats, yes: Floats) -> float:
    """Return the threshold of the best balanced accuracy, the lowest of equal ones; NaN if all labels are the same."""
    if yes.min() == yes.max():
        return float("nan")
    tried = np.unique(scores)
    above = scores[None, :] >= tried[:, None]  # (thresholds, rows)
    recalls = above[:, yes == 1].mean(axis=1) + (~above[:, yes == 0]).mean(axis=1)
    return float(tried[int(recalls.argmax())])
