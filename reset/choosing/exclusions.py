"""Exclusions that look at several answers or verdicts: near-identical answers, and prompts on which judges disagree.

Two answers to a prompt are near-identical if they have the same words after `reset.normalise`, or share more of them
than the bound; the best of them alone can win. The overlap is that of the two bags of words: words in common over words
in either, each counted as often as it stands there (Jaccard's index of multisets), in [0, 1].

Judges disagree on an answer by the largest less the smallest of the verdicts that speak for one objective, and on a
prompt by the mean over its scored answers. Above the bound, for an objective with a weight, no answer of it can win.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from reset.choosing.candidates import Bars, Candidate, best_first, draw
from reset.normalise import comparable
from reset.objectives import ByTask, Scores, Speaker

NEAR_IDENTICAL = "near-identical to a better one"
DISAGREE = "judges disagree"


def excluded(
    pool: Mapping[str, list[Candidate]],
    scores: Mapping[str, Scores],
    speakers: ByTask,
    weights: Mapping[str, float],
    bars: Bars,
    seed: int,
) -> dict[str, list[Candidate]]:
    """Return the scored pool with what these exclusions bar from winning; `scores` are the verdicts by answer id."""
    left = dict(pool)
    if bars.disagreement is not None:
        for example_id, answers in left.items():
            own = {name: one for name, one in speakers[answers[0].row["task"]].items() if weights[name]}
            if disagreement(answers, scores, own) > bars.disagreement:
                left[example_id] = [replace(one, why=DISAGREE) if one.can_win else one for one in answers]
    if bars.near_identical is not None:
        left = {example_id: _once(answers, bars.near_identical, seed) for example_id, answers in left.items()}
    return left


def disagreement(answers: Sequence[Candidate], scores: Mapping[str, Scores], speakers: Mapping[str, Speaker]) -> float:
    """Return by how much judges disagree on a prompt, of the objective where it is most; 0 where one judge speaks."""
    means = []
    for speaker in speakers.values():
        spreads = []
        for one in answers:
            said = [scores[one.row["answer_id"]].get(name) for name in speaker.verdicts]
            known = [score for score in said if score is not None]
            if one.score is not None and len(known) > 1:
                spreads.append(max(known) - min(known))
        means += [fmean(spreads)] if spreads else []
    return max(means, default=0.0)


def _once(answers: list[Candidate], least: float, seed: int) -> list[Candidate]:
    """Bar every answer that can win but is near-identical to a better one that stays."""
    stay: list[Counter[str]] = []
    barred: set[str] = set()
    for one in sorted(answers, key=lambda one: (best_first(one), draw(seed, one.row["answer_id"]))):
        if one.can_win:
            words = Counter(comparable(one.text).split())
            if any(words == other or overlap(words, other) > least for other in stay):
                barred.add(one.row["answer_id"])
            else:
                stay.append(words)
    return [replace(one, why=NEAR_IDENTICAL) if one.row["answer_id"] in barred else one for one in answers]


def overlap(first: Counter[str], second: Counter[str]) -> float:
    """Return the share of words that two bags of words have in common; 0 of two empty ones."""
    either = (first | second).total()
    return (first & second).total() / either if either else 0.0
