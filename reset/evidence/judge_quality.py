"""How well a judge's scores agree with human labels of faithfulness: separation, decisions, calibration.

Records are those of RefChecker's human annotations (Hu et al. 2024): a response to an instruction about a context, with
claims that people labelled Entailment, Neutral or Contradiction. A response is faithful when all its claims are
entailed; one without claims has no label. Intervals are 95 % bootstrap intervals that draw contexts, each with all its
responses, since responses to one context are alike. Nothing is fitted: a balanced accuracy is that of a threshold that
was given, so it may be read as what the threshold would do on other data.
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
Figure = Callable[[Floats, Floats], float]  # scores, labels -> figure, NaN where a class is missing


@dataclass(frozen=True)
class Labelled:
    """A response with its human label; `group` is its context."""

    answer: Answer
    faithful: bool
    group: str


def read(path: Path, task: str) -> tuple[list[Labelled], dict[str, int]]:
    """Read JSON lines as answers of `task`; return them and how many were set aside, by reason.

    Raises `ResetError` for a record without the fields of RefChecker's annotations.
    """
    found: list[Labelled] = []
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
            raise ResetError(f"{path}: line {number + 1} is no labelled response ({error!r})") from error
        if strange := [label for label in labels if label not in LABELS]:
            raise ResetError(f"{path}: line {number + 1} has the label '{strange[0]}'. Known: {', '.join(LABELS)}")
        if not labels:
            aside["no claim"] += 1
            continue
        question = "" if task == "summarization" else texts[1]
        answer = Answer(str(len(found)), texts[0], task, "test", texts[1], question, [texts[2]], [], None)
        found.append(Labelled(answer, all(label == LABELS[0] for label in labels), texts[2]))
    return found, aside


def auroc(scores: Floats, labels: Floats) -> float:
    """Chance that a faithful response scores above an unfaithful one, a tie counting one half."""
    good, bad = scores[labels == 1], scores[labels == 0]
    if not len(good) or not len(bad):
        return float("nan")
    above = good[:, None] - bad[None, :]
    return float(((above > 0) + 0.5 * (above == 0)).mean())


def balanced_accuracy(threshold: float) -> Figure:
    """Mean of the two classes' recall when a score of `threshold` or more says faithful."""

    def figure(scores: Floats, labels: Floats) -> float:
        said = scores >= threshold
        if labels.min() == labels.max():
            return float("nan")
        return float((said[labels == 1].mean() + (~said[labels == 0]).mean()) / 2)

    return figure


def calibration_error(scores: Floats, labels: Floats) -> float:
    """Expected calibration error: mean gap between score and share of faithful responses, over `BINS` equal bins."""
    bins = np.minimum((scores * BINS).astype(int), BINS - 1)
    gaps = [abs((scores[bins == b] - labels[bins == b]).mean()) * (bins == b).mean() for b in np.unique(bins)]
    return float(sum(gaps))


def brier(scores: Floats, labels: Floats) -> float:
    """Mean squared gap between score and label."""
    return float(((scores - labels) ** 2).mean())


def measure(
    scores: Sequence[float | None], labelled: Sequence[Labelled], *, threshold: float, resamples: int, seed: int
) -> dict[str, Any]:
    """All figures of one verdict name, each with its interval; nulls are left out and counted."""
    told = [(score, one) for score, one in zip(scores, labelled, strict=True) if score is not None]
    values = np.array([score for score, _ in told])
    labels = np.array([float(one.faithful) for _, one in told])
    groups = [one.group for _, one in told]
    figures: dict[str, Figure] = {
        "auroc": auroc,
        "balanced_accuracy": balanced_accuracy(threshold),
        "calibration_error": calibration_error,
        "brier": brier,
    }
    counts = {"n": len(told), "nulls": len(scores) - len(told), "faithful": int(labels.sum())}
    if not told:
        return {**counts, **{name: None for name in figures}}
    draws = _draws(groups, resamples, seed)
    return {**counts, **{name: _interval(figure, values, labels, draws) for name, figure in figures.items()}}


def _draws(groups: Sequence[str], resamples: int, seed: int) -> list[npt.NDArray[np.int64]]:
    """Row numbers of each resample: whole groups, drawn with replacement."""
    names = sorted(set(groups))
    members = [np.array([row for row, group in enumerate(groups) if group == name]) for name in names]
    rng = np.random.default_rng(seed)
    return [
        np.concatenate([members[pick] for pick in rng.integers(len(names), size=len(names))]) for _ in range(resamples)
    ]


def _interval(
    figure: Figure, scores: Floats, labels: Floats, draws: Sequence[npt.NDArray[np.int64]]
) -> dict[str, float | None]:
    """The figure, its interval, and null for what a class that is missing leaves undefined."""
    drawn = np.array([figure(scores[rows], labels[rows]) for rows in draws])
    known = drawn[~np.isnan(drawn)]
    low, high = np.percentile(known, [2.5, 97.5]) if len(known) else (np.nan, np.nan)
    values = {"value": figure(scores, labels), "low": float(low), "high": float(high)}
    return {name: None if np.isnan(value) else round(value, 4) for name, value in values.items()}
