"""Agreement of a judge's scores with human labels of faithfulness: AUROC, balanced accuracy, calibration, Brier score.

Records are RefChecker's human annotations (Hu et al. 2024): a response to an instruction about a context, with claims
labelled Entailment, Neutral or Contradiction. A response is faithful if all its claims are entailed; one without claims
has no label. Intervals are 95 % bootstrap intervals that draw contexts with all their responses, because responses to
one context are similar. Nothing is fitted: balanced accuracy uses a given threshold, so it is not optimistic.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from reset.errors import ResetError
from reset.judges import Answer

LABELS = ("Entailment", "Neutral", "Contradiction")
BINS = 5  # of equal width over [0, 1]

Floats = npt.NDArray[np.float64]
Figure = Callable[[Floats, Floats], float]  # (scores, labels) -> figure, NaN if a class is missing


@dataclass(frozen=True)
class Labelled:
    """A response with its human label; `group` is its context."""

    answer: Answer
    faithful: bool
    group: str


def read(path: Path, task: str) -> tuple[list[Labelled], dict[str, int]]:
    """Read JSON lines as answers of `task`; return them, and counts of records set aside by reason.

    Raises `ResetError` for a record without the fields of RefChecker's annotations.
    """
    labelled: list[Labelled] = []
    aside = {"no claim": 0}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ResetError(f"{path}: {error.strerror}") from error
    for number, line in enumerate(lines):
        try:
            record = json.loads(line)
            labels = [claim["human_label"] for claim in record["claims"]]
            texts = [record[name] for name in ("response", "instruction", "context")]
        except (ValueError, KeyError, TypeError) as error:
            raise ResetError(f"{path}: line {number + 1} is not a labelled response ({error!r})") from error
        if unknown := [label for label in labels if label not in LABELS]:
            raise ResetError(f"{path}: line {number + 1} has the label '{unknown[0]}'. Known: {', '.join(LABELS)}")
        if not labels:
            aside["no claim"] += 1
            continue
        question = "" if task == "summarization" else texts[1]
        answer = Answer(str(len(labelled)), texts[0], task, "test", texts[1], question, [texts[2]], [], None)
        labelled.append(Labelled(answer, all(label == LABELS[0] for label in labels), texts[2]))
    return labelled, aside


def auroc(scores: Floats, labels: Floats) -> float:
    """Return the probability that a faithful response scores above an unfaithful one; a tie counts one half."""
    good, bad = scores[labels == 1], scores[labels == 0]
    if not len(good) or not len(bad):
        return float("nan")
    above = good[:, None] - bad[None, :]
    return float(((above > 0) + 0.5 * (above == 0)).mean())


def balanced_accuracy(threshold: float) -> Figure:
    """Return the figure: mean recall of both classes if a score of `threshold` or more means faithful."""

    def figure(scores: Floats, labels: Floats) -> float:
        faithful = scores >= threshold
        if labels.min() == labels.max():
            return float("nan")
        return float((faithful[labels == 1].mean() + (~faithful[labels == 0]).mean()) / 2)

    return figure


def calibration_error(scores: Floats, labels: Floats) -> float:
    """Return the expected calibration error over `BINS` bins: mean |score - share of faithful responses|."""
    bins = np.minimum((scores * BINS).astype(int), BINS - 1)
    gaps = [abs((scores[bins == b] - labels[bins == b]).mean()) * (bins == b).mean() for b in np.unique(bins)]
    return float(sum(gaps))


def brier(scores: Floats, labels: Floats) -> float:
    """Return the Brier score: mean squared difference of score and label."""
    return float(((scores - labels) ** 2).mean())


def measure(
    scores: Sequence[float | None], labelled: Sequence[Labelled], *, threshold: float, resamples: int, seed: int
) -> dict[str, Any]:
    """Return all figures of one verdict name, each with its interval; null scores are left out and counted."""
    scored = [(score, response) for score, response in zip(scores, labelled, strict=True) if score is not None]
    values = np.array([score for score, _ in scored])
    labels = np.array([float(response.faithful) for _, response in scored])
    groups = [response.group for _, response in scored]
    figures: dict[str, Figure] = {
        "auroc": auroc,
        "balanced_accuracy": balanced_accuracy(threshold),
        "calibration_error": calibration_error,
        "brier": brier,
    }
    counts = {"n": len(scored), "nulls": len(scores) - len(scored), "faithful": int(labels.sum())}
    if not scored:
        return {**counts, **{name: None for name in figures}}
    draws = _draws(groups, resamples, seed)
    return {**counts, **{name: _interval(figure, values, labels, draws) for name, figure in figures.items()}}


def _draws(groups: Sequence[str], resamples: int, seed: int) -> list[npt.NDArray[np.int64]]:
    """Row numbers of each resample, which draws whole groups with replacement."""
    names = sorted(set(groups))
    members = [np.array([row for row, group in enumerate(groups) if group == name]) for name in names]
    rng = np.random.default_rng(seed)
    return [
        np.concatenate([members[pick] for pick in rng.integers(len(names), size=len(names))]) for _ in range(resamples)
    ]


def _interval(
    figure: Figure, scores: Floats, labels: Floats, draws: Sequence[npt.NDArray[np.int64]]
) -> dict[str, float | None]:
    """The figure and its interval; None where a missing class leaves them undefined."""
    drawn = np.array([figure(scores[rows], labels[rows]) for rows in draws])
    defined = drawn[~np.isnan(drawn)]
    low, high = np.percentile(defined, [2.5, 97.5]) if len(defined) else (np.nan, np.nan)
    values = {"value": figure(scores, labels), "low": float(low), "high": float(high)}
    return {name: None if np.isnan(value) else round(value, 4) for name, value in values.items()}
