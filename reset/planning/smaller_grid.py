"""Which decode settings of a judged pool earn their keep, and a smaller grid for the next round.

Everything is counted in the pool itself: settings are left out, one after another, each time the one whose absence
costs the best answers least, and what the best answer to each prompt then scores is looked up. Settings chosen on the
prompts they are measured on look better than they are, so the expected loss is measured on prompts that had no say: in
each of five parts of the prompts, with the order found on the other four. Neither is in the paper.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from reset.choosing.candidates import Candidate
from reset.errors import ResetError
from reset.sampling.decode_settings import Arms

PARTS = 5
Scores = npt.NDArray[np.float64]  # (prompts, settings): the best answer's score, -inf where none can win


@dataclass(frozen=True)
class Table:
    """A judged pool as arrays; prompts without an answer that can win are left out."""

    settings: tuple[str, ...]
    arm: tuple[int, ...]  # of each setting: 0 temperatures, 1 top-k
    scores: Scores
    sampled: npt.NDArray[np.int64]  # (prompts, settings): answers, whether they can win or not
    random: npt.NDArray[np.float64]  # (prompts,): mean score of the answers that can win
    part: npt.NDArray[np.int64]  # (prompts,)


def table(pool: Mapping[str, Sequence[Candidate]], grid: Arms) -> Table:
    """Arrange the candidates of each prompt by setting.

    Raises `ResetError` for a setting that `grid` does not hold, and for fewer prompts than parts.
    """
    names = [setting.name for arm in grid for setting in arm]
    able = {key: rows for key, rows in pool.items() if any(one.score is not None for one in rows)}
    if len(able) < PARTS:
        raise ResetError(
            f"{len(able)} prompts have an answer that can win; {PARTS} are needed to say what settings bring"
        )
    scores = np.full((len(able), len(names)), -np.inf)
    sampled = np.zeros(scores.shape, dtype=np.int64)
    for place, rows in enumerate(able.values()):
        for one in rows:
            if (name := one.row["setting"]) not in names:
                raise ResetError(f"The pool holds the setting '{name}', its decode grid does not: {', '.join(names)}")
            sampled[place, names.index(name)] += 1
            if one.score is not None:
                scores[place, names.index(name)] = max(one.score, scores[place, names.index(name)])
    random = [np.mean([one.score for one in rows if one.score is not None]) for rows in able.values()]
    part = [int(hashlib.sha256(key.encode()).hexdigest(), 16) % PARTS for key in able]
    arm = tuple(number for number, settings in enumerate(grid) for _ in settings)
    return Table(tuple(names), arm, scores, sampled, np.array(random), np.array(part))


def of_settings(found: Table) -> list[dict[str, Any]]:
    """Per setting: prompts it answered, wins (a tie is shared), mean score, what leaving it out alone would cost."""
    best = found.scores.max(axis=1, keepdims=True)
    wins = (found.scores == best) / (found.scores == best).sum(axis=1, keepdims=True)  # (prompts, settings)
    everything = range(len(found.settings))
    rows = []
    for place, name in enumerate(found.settings):
        answered, able = found.sampled[:, place] > 0, np.isfinite(found.scores[:, place])
        without = _lost(found.scores, [one for one in everything if one != place])
        rows.append(
            {
                "setting": name,
                "prompts": int(answered.sum()),
                "wins": float(wins[:, place].sum()),
                "win_rate": float(wins[answered, place].mean()) if answered.any() else None,
                "mean_score": float(found.scores[able, place].mean()) if able.any() else None,
                "loss_without": float(without[np.isfinite(without)].mean()) if np.isfinite(without).any() else None,
                "prompts_without": int(np.isinf(without).sum()),
            }
        )
    return rows


def smaller(found: Table) -> list[dict[str, Any]]:
    """One row per grid, from the whole to one setting per arm, each without one setting more than the one before."""
    left_out = order(found.scores, found.arm)
    losses = [
        np.zeros(len(found.scores)) for _ in range(len(left_out) + 1)
    ]  # (prompts,) each: on prompts without a say
    for part in range(PARTS):
        mine = found.part == part
        others = order(found.scores[~mine], found.arm)
        for count in range(len(left_out) + 1):
            losses[count][mine] = _lost(found.scores[mine], _rest(found, others[:count]))
    return [_row(found, left_out[:count], losses[count]) for count in range(len(left_out) + 1)]


def _row(found: Table, left_out: Sequence[int], expected: npt.NDArray[np.float64]) -> dict[str, Any]:
    kept = _rest(found, left_out)
    here, known = _lost(found.scores, kept), expected[np.isfinite(expected)]
    loss = float(known.mean())
    gain = float((found.scores.max(axis=1) - found.random).mean())
    return {
        "left_out": found.settings[left_out[-1]] if left_out else None,
        "settings": [found.settings[one] for one in kept],
        "answers": float(found.sampled[:, kept].sum(axis=1).mean()),  # per prompt
        "loss": float(here[np.isfinite(here)].mean()),
        "expected_loss": loss,
        "standard_error": float(known.std(ddof=1) / np.sqrt(len(known))),
        "expected_share": loss / gain if gain else 0.0,  # of what choosing brings over a random answer
        "prompts_lost": int(np.isinf(expected).sum()),
    }


def order(scores: Scores, arm: Sequence[int]) -> list[int]:
    """Settings in the order of leaving them out, cheapest first: prompts lost count before score; an arm keeps one."""
    kept, left_out = list(range(len(arm))), []
    while free := [one for one in kept if sum(arm[other] == arm[one] for other in kept) > 1]:
        cheapest = min(free, key=lambda one: _cost(scores, [other for other in kept if other != one]))
        kept.remove(cheapest)
        left_out.append(cheapest)
    return left_out


def _cost(scores: Scores, kept: Sequence[int]) -> tuple[int, float]:
    lost = _lost(scores, kept)
    gone = np.isinf(lost)
    return int(gone.sum()), float(lost[~gone].sum())


def _lost(scores: Scores, kept: Sequence[int]) -> npt.NDArray[np.float64]:
    """What the best answer to each prompt loses with the settings `kept` alone; inf where none is left that can win."""
    lost: npt.NDArray[np.float64] = scores.max(axis=1) - scores[:, kept].max(axis=1)
    return lost


def _rest(found: Table, left_out: Sequence[int]) -> list[int]:
    return [one for one in range(len(found.settings)) if one not in left_out]


def proposed(rows: Sequence[Mapping[str, Any]], *, max_share: float) -> Mapping[str, Any]:
    """The smallest grid that is expected to lose no prompt's answer and at most `max_share` of what choosing brings."""
    held = [row for row in rows if row["expected_share"] <= max_share and not row["prompts_lost"]]
    return min(held, key=lambda row: len(row["settings"]), default=rows[0])
