"""Turn the candidates of a prompt into training rows: the best or random answers, pairs, labels, or weights.

`best` is the paper's (5.1); the others serve to compare other methods on the same judged pool (docs/choices.md).
Answers without a score are ignored. A scored answer that cannot win can still be the rejected answer of a pair or be
labelled undesirable. Answers with the same text make one row.
"""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from statistics import fmean
from typing import Literal, NamedTuple

import pyarrow as pa

from reset.choosing import candidates
from reset.choosing.candidates import Candidate, best_first, choose, draw
from reset.files import schemas, tables

Pick = Literal["best", "random", "best_overall", "pairs", "labelled", "weighted"]
Taken = list[tuple[Candidate, tables.Row]]  # chosen answers, each with the columns its schema adds to CURATED


class Pair(NamedTuple):
    """Two answers to a prompt, and by how much their scores differ."""

    chosen: Candidate
    rejected: Candidate
    gap: float


SCHEMAS: Mapping[Pick, pa.Schema] = {
    "best": schemas.CURATED,
    "random": schemas.CURATED,
    "best_overall": schemas.CURATED,
    "pairs": schemas.PAIRS,
    "labelled": schemas.LABELLED,
    "weighted": schemas.WEIGHTED,
}


def schema(pick: Pick, *, masked: bool) -> pa.Schema:
    """Return the columns of rows of `pick`, with `untrained` if they are `masked`."""
    return pa.schema([*SCHEMAS[pick], *schemas.UNTRAINED]) if masked else SCHEMAS[pick]


def order(pick: Pick) -> candidates.Pick:
    """Return how `pick` ranks the answers to a prompt, and the prompts: by score or at random."""
    return "random" if pick == "random" else "best"


def take(
    answers: Sequence[Candidate], pick: Pick, seed: int, *, least: float, temperature: float, per_prompt: int = 1
) -> Taken:
    """Return the answers to one prompt that become rows; none if their scores do not differ as `pick` needs.

    `least` is the smallest score difference of a pair or a label, `temperature` that of the softmax of the weights, and
    `per_prompt` the largest number of pairs, or of answers of other picks, each of another text.
    """
    best = choose(answers, order(pick), seed)
    if best is None:
        return []
    if pick == "pairs":
        return [_pair_row(one) for one in _wide(_pairs(answers, seed), least)[:per_prompt]]
    if pick == "labelled":
        return _labelled(answers, seed, least)
    if pick == "weighted":
        return _weighted(answers, seed, temperature)
    return [(answer, {}) for answer in _first(answers, pick, seed, per_prompt)]


def _first(answers: Sequence[Candidate], pick: Pick, seed: int, most: int) -> list[Candidate]:
    """The first choice, the first of those with another text, and so on; `most` of them at most."""
    taken: list[Candidate] = []
    while len(taken) < most:
        texts = {answer.text for answer in taken}
        following = choose([answer for answer in answers if answer.text not in texts], order(pick), seed)
        if following is None:
            break
        taken.append(following)
    return taken


def _pairs(answers: Sequence[Candidate], seed: int) -> list[Pair]:
    """Every answer that can win against every one of another text that ranks below it.

    First comes the best against the worst, then the largest gap of scores; under the weighted sum these are one order.
    """
    order = ranked(scored(answers), seed)
    places = {id(answer): place for place, answer in enumerate(order)}
    lowest = {answer.text: answer for answer in order}  # of each text
    pairs = [
        Pair(chosen, rejected, round(_score(chosen) - _score(rejected), 9))
        for chosen in _best_per_text(eligible(answers), seed)
        for rejected in lowest.values()
        if chosen.text != rejected.text and places[id(chosen)] < places[id(rejected)]
    ]

    def outer(pair: Pair) -> tuple[int, int]:
        return places[id(pair.chosen)], -places[id(pair.rejected)]

    first = min(pairs, key=outer, default=None)
    return sorted(pairs, key=lambda pair: (pair is not first, -pair.gap, outer(pair)))


def _wide(pairs: Sequence[Pair], least: float) -> list[Pair]:
    """The pairs whose scores differ, and by at least `least`; none if those of the first do not."""
    wide = [pair for pair in pairs if pair.gap > 0.0 and pair.gap >= least]
    return wide if wide and wide[0] is pairs[0] else []


def _pair_row(pair: Pair) -> tuple[Candidate, tables.Row]:
    row = pair.rejected.row
    rejected = {f"rejected_{key}": row[key] for key in ("answer_id", "setting", "sweep")}
    return pair.chosen, {"rejected": pair.rejected.text, "rejected_score": pair.rejected.score, **rejected}


def count_pairs(
    pool: candidates.Pool, taken: Mapping[str, Taken], kept: Collection[str], seed: int, *, least: float
) -> dict[str, int | dict[str, int]]:
    """Count the pairs that became rows, and those that did not by reason; `kept` are the prompts that yield rows."""
    dropped: Counter[str] = Counter()
    for example_id, answers in pool.items():
        pairs = _pairs(answers, seed)
        wide = _wide(pairs, least)
        rows = taken[example_id] if example_id in kept else []
        dropped["scores do not differ by the margin"] += len(pairs) - len(wide)
        dropped["more than per_prompt" if rows else "outside the kept share"] += len(wide) - len(rows)
    return {"rows": sum(len(taken[name]) for name in kept), "dropped": dict(sorted((+dropped).items()))}


def _labelled(answers: Sequence[Candidate], seed: int, least: float) -> Taken:
    """Label answers above the prompt's mean score desirable, those below it undesirable.

    An answer at the mean, less than `least` away from it, or above it but barred from winning, is left out.
    """
    mean = fmean(_score(answer) for answer in scored(answers))
    gaps = [(answer, round(_score(answer) - mean, 9)) for answer in _best_per_text(scored(answers), seed)]
    return [
        (answer, {"desirable": gap > 0})
        for answer, gap in gaps
        if gap and abs(gap) >= least and (gap < 0 or answer.can_win)
    ]


def _weighted(answers: Sequence[Candidate], seed: int, temperature: float) -> Taken:
    """Every answer, weighted by the softmax of score / `temperature` over the prompt's answers.

    Reward-weighted regression (Peters and Schaal 2007) with the exponential of the score, normalised per prompt: the
    weights of a prompt sum to 1. Answers with the same text add up, as each was drawn.
    """
    top = max(_score(answer) for answer in eligible(answers))
    shares: dict[str, float] = {}
    for answer in eligible(answers):
        shares[answer.text] = shares.get(answer.text, 0.0) + math.exp((_score(answer) - top) / temperature)
    total = sum(shares.values())
    return [
        (answer, {"weight": shares[answer.text] / total})
        for answer in _best_per_text(eligible(answers), seed)
        if shares[answer.text]
    ]


def eligible(answers: Sequence[Candidate]) -> list[Candidate]:
    """Return the answers that can win."""
    return [answer for answer in answers if answer.can_win]


def scored(answers: Sequence[Candidate]) -> list[Candidate]:
    """Return the answers that have a score, also those that cannot win."""
    return [answer for answer in answers if answer.score is not None]


def ranked(answers: Sequence[Candidate], seed: int) -> list[Candidate]:
    """Return the answers, the best first; of a tie those that can win first, then as in `choose`."""

    def key(answer: Candidate) -> tuple[candidates.Key, bool, str]:
        return (best_first(answer), not answer.can_win, draw(seed, answer.row["answer_id"]))

    return sorted(answers, key=key)


def _best_per_text(answers: Sequence[Candidate], seed: int) -> list[Candidate]:
    """The best answer of each distinct text, best first."""
    by_text: dict[str, Candidate] = {}
    for answer in ranked(answers, seed):
        by_text.setdefault(answer.text, answer)
    return list(by_text.values())


def _score(candidate: Candidate) -> float:
    return candidate.score or 0.0
