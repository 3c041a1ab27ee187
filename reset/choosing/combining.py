"""Combine objectives into one order of the answers to a prompt (params.yaml: select.combine).

With x_k the value of objective k, normalised if asked, and w_k its weight, over the objectives of weight above 0:

- `weighted_sum`, the paper's (5.1): the sum of w_k x_k. With its weights that is task + 2 faithfulness for
  context-dependent prompts and 2 instruction for instructions, whose task score counts as 0 (docs/choices.md).
- `log_sigmoid`: the sum of w_k log sigmoid(scale (x_k - r_k)), after Wang et al. 2024, "Transforming and combining
  rewards for aligning large language models": summed, these are the log-probability that the answer is good in all
  objectives, so that it acts as AND. They centre Bradley-Terry rewards at a reference. Our r_k is a quantile of the
  prompt's answers, and `scale` stands in for the unit that verdicts in [0, 1] lack; their sum has no weights.
- `lexicographic`: the first objective decides, then the second; a value above the objective's floor counts as the
  floor, so an objective with a floor is satisfied there and leaves the choice to the next. Ties go to the weighted sum.
  This is the thresholded order of Gabor, Kalmar and Szepesvari 1998, "Multi-criteria reinforcement learning".
- `pareto`: answers that no other answer beats (as good in all objectives and better in one), then the weighted sum.

`score`, by which margins, pairs and labels go, is the weighted sum except for `log_sigmoid`. `length_penalty` takes a
constant off the score for each word, so that a longer answer has to be better. Normalised values are
(x - mean) / standard deviation within the prompt, or over all answers of the pool to prompts of the same task; 0 where
there is no deviation. Floors are asked of the values as they are.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import inf
from statistics import fmean, pstdev
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from reset.choosing.candidates import Bars, Candidate, barred

Combine = Literal["weighted_sum", "log_sigmoid", "lexicographic", "pareto"]
Values = Mapping[str, float]
Weights = Mapping[str, float]


@dataclass(frozen=True)
class Rule:
    """How objectives become one order; without arguments the paper's."""

    combine: Combine = "weighted_sum"
    normalise: Literal["none", "prompt", "pool"] = "none"
    reference: float = 0.5  # of `log_sigmoid`, as is `scale`
    scale: float = 1.0
    length_penalty: float = 0.0  # taken off the score for each word of the answer

    def told(self) -> dict[str, Any]:
        """Return what metrics files say of it: nothing of the paper's."""
        plain = (self.combine, self.normalise) == (Rule.combine, Rule.normalise)
        unused = set() if self.combine == "log_sigmoid" else {"reference", "scale"}
        if not self.length_penalty:
            unused.add("length_penalty")
        if plain and "length_penalty" in unused:
            return {}
        return {"rule": {key: value for key, value in asdict(self).items() if key not in unused}}

    def taken_off(self, one: Candidate) -> float:
        """Return what the score of an answer loses for its length, in words between blanks."""
        return self.length_penalty * len(one.text.split()) if self.length_penalty else 0.0


def rule_of(select: Mapping[str, Any], row: Mapping[str, Any]) -> Rule:
    """Return the rule of the section `select` of a params.yaml for a `row` of `curated`."""
    combine, penalty = row.get("combine") or select["combine"], row.get("length_penalty", 0.0)
    return Rule(combine, select["normalise"], **select["log_sigmoid"], length_penalty=penalty)


def combined(
    pool: Mapping[str, Sequence[Candidate]], weights: Weights, bars: Bars, rule: Rule
) -> dict[str, list[Candidate]]:
    """Return the pool with the score and rank of every answer that can be scored, and what bars it from winning."""
    normalised = _normalised(pool, rule)
    return {example_id: _combined(normalised[example_id], weights, bars, rule) for example_id in pool}


def _normalised(pool: Mapping[str, Sequence[Candidate]], rule: Rule) -> Mapping[str, Sequence[Candidate]]:
    if rule.normalise == "none":
        return pool
    groups: dict[str, list[Candidate]] = {}
    for example_id, candidates in pool.items():
        for candidate in candidates:
            key = example_id if rule.normalise == "prompt" else candidate.row["task"]
            groups.setdefault(key, []).append(candidate)
    scales = {key: _mean_and_deviation(group) for key, group in groups.items()}

    def scaled(example_id: str, candidate: Candidate) -> Candidate:
        by_name = scales[example_id if rule.normalise == "prompt" else candidate.row["task"]]
        return replace(candidate, scaled={name: _z(value, by_name[name]) for name, value in candidate.values.items()})

    return {example_id: [scaled(example_id, one) for one in candidates] for example_id, candidates in pool.items()}


def _mean_and_deviation(candidates: Sequence[Candidate]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of each objective, over the answers that can be scored; (0, 0) if there is none."""
    known: dict[str, list[float]] = {name: [] for one in candidates for name in one.values}
    for one in candidates:
        for name, value in one.values.items():
            if one.can_win and value is not None:
                known[name].append(value)
    return {name: (fmean(values), pstdev(values)) if values else (0.0, 0.0) for name, values in known.items()}


def _z(value: float | None, mean_and_deviation: tuple[float, float]) -> float | None:
    mean, deviation = mean_and_deviation
    return None if value is None else (value - mean) / deviation if deviation else 0.0


def _combined(candidates: Sequence[Candidate], weights: Weights, bars: Bars, rule: Rule) -> list[Candidate]:
    """Score, bar and rank the answers to one prompt; those that already have a reason have no score."""
    scorable = [one for one in candidates if one.can_win]
    terms = _TERMS.get(rule.combine, _as_they_are)(scorable, weights, rule)
    scored = {
        one.row["answer_id"]: _scored(one, of_one, weights, bars, rule)
        for one, of_one in zip(scorable, terms, strict=True)
    }
    ranks = _RANKS.get(rule.combine, _by_score)(list(scored.values()), weights, bars)
    for answer_id, rank in zip(scored, ranks, strict=True):
        scored[answer_id] = replace(scored[answer_id], rank=rank)
    return [scored.get(one.row["answer_id"], one) for one in candidates]


def _scored(one: Candidate, terms: Values, weights: Weights, bars: Bars, rule: Rule) -> Candidate:
    score = round(sum(weights[name] * value for name, value in terms.items()) - rule.taken_off(one), 9)
    return replace(one, terms=terms, score=score, why=barred(one.row, {"score": score, **one.values}, bars))


def _as_they_are(candidates: Sequence[Candidate], _: Weights, __: Rule) -> list[Values]:
    return [{name: value for name, value in one.scaled.items() if value is not None} for one in candidates]


def _log_sigmoids(candidates: Sequence[Candidate], weights: Weights, rule: Rule) -> list[Values]:
    terms: list[dict[str, float]] = [{} for _ in candidates]
    for name in _counted(candidates, weights):
        values = np.array([one.scaled[name] for one in candidates], dtype=np.float64)  # (candidates,)
        centred = rule.scale * (values - np.quantile(values, rule.reference))
        for of_one, value in zip(terms, -np.logaddexp(0.0, -centred), strict=True):
            of_one[name] = float(value)
    return [*terms]


def _by_score(candidates: Sequence[Candidate], _: Weights, __: Bars) -> list[tuple[float, ...]]:
    return [(one.score or 0.0,) for one in candidates]


def _lexicographic(candidates: Sequence[Candidate], weights: Weights, bars: Bars) -> list[tuple[float, ...]]:
    names = _counted(candidates, weights)
    return [
        (*(min(one.values[name] or 0.0, bars.floor.get(name, inf)) for name in names), one.score or 0.0)
        for one in candidates
    ]


def _pareto(candidates: Sequence[Candidate], weights: Weights, _: Bars) -> list[tuple[float, ...]]:
    """The front is that of the answers that can win."""
    names = _counted(candidates, weights)
    values = np.array([[one.values[name] for name in names] for one in candidates], dtype=np.float64)
    free = [place for place, one in enumerate(candidates) if one.can_win]
    others = values[free]  # (answers that can win, objectives)

    def beaten(own: npt.NDArray[np.float64]) -> bool:
        return bool(((others >= own).all(axis=1) & (others > own).any(axis=1)).any())

    return [
        (float(one.can_win and not beaten(values[place])), one.score or 0.0) for place, one in enumerate(candidates)
    ]


def _counted(candidates: Sequence[Candidate], weights: Weights) -> list[str]:
    """The objectives of weight above 0; no scored answer lacks one of them."""
    return [name for name in (candidates[0].values if candidates else ()) if weights[name]]


# the score is the weighted sum of the terms
_TERMS: dict[str, Callable[[Sequence[Candidate], Weights, Rule], list[Values]]] = {"log_sigmoid": _log_sigmoids}
_RANKS: dict[str, Callable[[Sequence[Candidate], Weights, Bars], list[tuple[float, ...]]]] = {
    "lexicographic": _lexicographic,
    "pareto": _pareto,
}
