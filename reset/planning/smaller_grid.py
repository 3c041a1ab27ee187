"""Compare the decode settings of a judged pool, and find a smaller grid for the next round by backward elimination.

All figures are computed from the pool itself. Settings are dropped one after another, each time the one that lowers the
scores of the best answers least. On the prompts that decide this order, the loss is underestimated. So the expected
loss is cross-validated: prompts are split into five parts, and the loss on each part is measured with the order found
on the other four. Neither is in the paper.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from reset.choosing.agreement import FEWEST
from reset.choosing.candidates import Candidate
from reset.errors import ResetError
from reset.sampling.decode_settings import Arms

PARTS = 5  # of the prompts, for cross-validation
Scores = npt.NDArray[np.float64]  # (prompts, settings): the best answer's score; -inf if no answer can win


@dataclass(frozen=True)
class Table:
    """A judged pool as arrays, without the prompts of which no answer can win."""

    settings: tuple[str, ...]
    arm: tuple[int, ...]  # of each setting: 0 temperatures, 1 top-k
    scores: Scores
    sampled: npt.NDArray[np.int64]  # (prompts, settings): number of answers, also of those that cannot win
    random: npt.NDArray[np.float64]  # (prompts,): mean score of the answers that can win
    part: npt.NDArray[np.int64]  # (prompts,): 0 to PARTS - 1, by a hash of the prompt's id


def table(pool: Mapping[str, Sequence[Candidate]], grid: Arms) -> Table:
    """Arrange the candidates of each prompt by setting.

    Raises `ResetError` for a setting that is not in `grid`, and for fewer than `PARTS` prompts.
    """
    names = [setting.name for arm in grid for setting in arm]
    winnable = {key: rows for key, rows in pool.items() if any(answer.can_win for answer in rows)}
    if len(winnable) < PARTS:
        raise ResetError(
            f"{len(winnable)} prompts have an answer that can win; {PARTS} are needed to compare decode settings"
        )
    scores = np.full((len(winnable), len(names)), -np.inf)
    sampled = np.zeros(scores.shape, dtype=np.int64)
    for prompt, rows in enumerate(winnable.values()):
        for answer in rows:
            if (name := answer.row["setting"]) not in names:
                raise ResetError(f"The pool holds the setting '{name}', its decode grid does not: {', '.join(names)}")
            setting = names.index(name)
            sampled[prompt, setting] += 1
            if answer.can_win and answer.score is not None:
                scores[prompt, setting] = max(answer.score, scores[prompt, setting])
    random = [
        np.mean([answer.score for answer in rows if answer.can_win and answer.score is not None])
        for rows in winnable.values()
    ]
    part = [int(hashlib.sha256(key.encode()).hexdigest(), 16) % PARTS for key in winnable]
    arm = tuple(number for number, settings in enumerate(grid) for _ in settings)
    return Table(tuple(names), arm, scores, sampled, np.array(random), np.array(part))


def of_settings(judged: Table) -> list[dict[str, Any]]:
    """Per setting: prompts it answered, wins (ties are shared), mean score, and the loss without this setting alone."""
    best = judged.scores.max(axis=1, keepdims=True)
    wins = (judged.scores == best) / (judged.scores == best).sum(axis=1, keepdims=True)  # (prompts, settings)
    rows = []
    for setting, name in enumerate(judged.settings):
        answered, winnable = judged.sampled[:, setting] > 0, np.isfinite(judged.scores[:, setting])
        losses = _losses(judged.scores, _other_settings(judged, [setting]))
        finite = np.isfinite(losses)
        rows.append(
            {
                "setting": name,
                "prompts": int(answered.sum()),
                "wins": float(wins[:, setting].sum()),
                "win_rate": float(wins[answered, setting].mean()) if answered.any() else None,
                "mean_score": float(judged.scores[winnable, setting].mean()) if winnable.any() else None,
                "loss_without": float(losses[finite].mean()) if finite.any() else None,
                "prompts_without": int(np.isinf(losses).sum()),
            }
        )
    return rows


def smaller(judged: Table) -> list[dict[str, Any]]:
    """Backward elimination: one row per grid, each with one setting less, from all settings to one per arm."""
    dropped = elimination_order(judged.scores, judged.arm)
    expected = [np.zeros(len(judged.scores)) for _ in range(len(dropped) + 1)]  # per grid: losses, (prompts,)
    for part in range(PARTS):
        in_part = judged.part == part
        dropped_by_others = elimination_order(judged.scores[~in_part], judged.arm)
        for count in range(len(dropped) + 1):
            kept = _other_settings(judged, dropped_by_others[:count])
            expected[count][in_part] = _losses(judged.scores[in_part], kept)
    return [_grid_row(judged, dropped[:count], expected[count]) for count in range(len(dropped) + 1)]


def _grid_row(judged: Table, dropped: Sequence[int], expected: npt.NDArray[np.float64]) -> dict[str, Any]:
    """The figures of one grid; `expected` are its cross-validated losses, (prompts,)."""
    kept = _other_settings(judged, dropped)
    losses, finite = _losses(judged.scores, kept), expected[np.isfinite(expected)]
    expected_loss = float(finite.mean())
    gain = float((judged.scores.max(axis=1) - judged.random).mean())
    return {
        "left_out": judged.settings[dropped[-1]] if dropped else None,
        "settings": [judged.settings[setting] for setting in kept],
        "answers": float(judged.sampled[:, kept].sum(axis=1).mean()),  # per prompt
        "loss": float(losses[np.isfinite(losses)].mean()),
        "expected_loss": expected_loss,
        "standard_error": float(finite.std(ddof=1) / np.sqrt(len(finite))) if len(finite) >= FEWEST else None,
        "expected_share": expected_loss / gain if gain else 0.0,  # of the gain of the best over a random answer
        "prompts_lost": int(np.isinf(expected).sum()),
    }


def elimination_order(scores: Scores, arm: Sequence[int]) -> list[int]:
    """The settings in the order in which they are dropped; the last setting of an arm is never dropped.

    Each step drops the setting that leaves the fewest prompts without an answer that can win, then the smallest loss.
    """
    kept, dropped = list(range(len(arm))), []
    while droppable := [setting for setting in kept if sum(arm[other] == arm[setting] for other in kept) > 1]:
        cheapest = min(droppable, key=lambda setting: _cost(scores, [other for other in kept if other != setting]))
        kept.remove(cheapest)
        dropped.append(cheapest)
    return dropped


def _cost(scores: Scores, kept: Sequence[int]) -> tuple[int, float]:
    """Prompts without an answer that can win, and the loss summed over the other prompts."""
    losses = _losses(scores, kept)
    lost = np.isinf(losses)
    return int(lost.sum()), float(losses[~lost].sum())


def _losses(scores: Scores, kept: Sequence[int]) -> npt.NDArray[np.float64]:
    """Loss of each prompt's best score with only the settings `kept`, (prompts,); inf if no answer can win."""
    losses: npt.NDArray[np.float64] = scores.max(axis=1) - scores[:, kept].max(axis=1)
    return losses


def _other_settings(judged: Table, dropped: Sequence[int]) -> list[int]:
    return [setting for setting in range(len(judged.settings)) if setting not in dropped]


def proposed(rows: Sequence[Mapping[str, Any]], *, max_share: float) -> Mapping[str, Any]:
    """The smallest grid expected to lose no prompt, and at most `max_share` of the gain over a random answer."""
    acceptable = [row for row in rows if row["expected_share"] <= max_share and not row["prompts_lost"]]
    return min(acceptable, key=lambda row: len(row["settings"]), default=rows[0])
