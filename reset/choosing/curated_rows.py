"""Which answers to a prompt become training rows: the best or a random one, a pair, labelled or weighted ones.

The best is the paper's (5.1), the others are there to compare other methods on the same judged pool (docs/choices.md).
Answers that cannot win take no part, and equal texts make one row.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Literal

import pyarrow as pa

from reset.choosing import candidates
from reset.choosing.candidates import Candidate, choose, draw
from reset.files import schemas, tables

Pick = Literal["best", "random", "pairs", "labelled", "weighted"]
Taken = list[tuple[Candidate, tables.Row]]  # answers with the columns that their kind of row has beside CURATED's

SCHEMAS: Mapping[Pick, pa.Schema] = {
    "best": schemas.CURATED,
    "random": schemas.CURATED,
    "pairs": schemas.PAIRS,
    "labelled": schemas.LABELLED,
    "weighted": schemas.WEIGHTED,
}


def order(pick: Pick) -> candidates.Pick:
    """How the answers to a prompt, and the prompts, are ranked for such rows."""
    return "random" if pick == "random" else "best"


def take(answers: Sequence[Candidate], pick: Pick, seed: int, *, least: float, temperature: float) -> Taken:
    """The answers to one prompt that become rows, none where they do not differ as `pick` needs.

    `least` is the difference of scores that makes a pair or a label, `temperature` that of weights.
    """
    best = choose(answers, order(pick), seed)
    if best is None:
        return []
    if pick == "pairs":
        return _pair(best, answers, seed, least)
    if pick == "labelled":
        return _labelled(answers, seed, least)
    if pick == "weighted":
        return _weighted(answers, seed, temperature)
    return [(best, {})]


def _pair(best: Candidate, answers: Sequence[Candidate], seed: int, least: float) -> Taken:
    """The best answer against the worst one of another text, if they are `least` apart and do not tie."""
    others = [one for one in ranked(answers, seed) if one.text != best.text]
    if not others:
        return []
    worst = others[-1]
    gap = round(_score(best) - _score(worst), 9)
    if gap <= 0.0 or gap < least:
        return []
    row = worst.row
    named = {f"rejected_{key}": row[key] for key in ("answer_id", "setting", "sweep")}
    return [(best, {"rejected": worst.text, "rejected_score": worst.score, **named})]


def _labelled(answers: Sequence[Candidate], seed: int, least: float) -> Taken:
    """Answers over the mean score of the prompt's answers are desirable, those under it are not.

    One that is less than `least` away from the mean, or on it, has no label.
    """
    mean = fmean(_score(one) for one in able(answers))
    away = [(one, round(_score(one) - mean, 9)) for one in _distinct(answers, seed)]
    return [(one, {"desirable": gap > 0}) for one, gap in away if gap and abs(gap) >= least]


def _weighted(answers: Sequence[Candidate], seed: int, temperature: float) -> Taken:
    """Every answer, with the softmax of score / `temperature` over the prompt's answers as its weight.

    Reward-weighted regression (Peters and Schaal 2007) with the exponential of the score, which the softmax bounds:
    copies of a text add up, as each was drawn, and a prompt's weights are 1 together.
    """
    top = max(_score(one) for one in able(answers))
    shares: dict[str, float] = {}
    for one in able(answers):
        shares[one.text] = shares.get(one.text, 0.0) + math.exp((_score(one) - top) / temperature)
    total = sum(shares.values())
    return [(one, {"weight": shares[one.text] / total}) for one in _distinct(answers, seed) if shares[one.text]]


def able(answers: Sequence[Candidate]) -> list[Candidate]:
    """Those that can win."""
    return [one for one in answers if one.score is not None]


def ranked(answers: Sequence[Candidate], seed: int) -> list[Candidate]:
    """Those that can win, the best first; ties as in `choose`."""
    return sorted(able(answers), key=lambda one: (-_score(one), draw(seed, one.row["answer_id"])))


def _distinct(answers: Sequence[Candidate], seed: int) -> list[Candidate]:
    """The best answer of each text, the best text first."""
    found: dict[str, Candidate] = {}
    for one in ranked(answers, seed):
        found.setdefault(one.text, one)
    return list(found.values())


def _score(candidate: Candidate) -> float:
    return candidate.score or 0.0
