"""What was measured, as the rows of every table and plot of the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reset import checkpoint_names
from reset.files.tables import Row
from reset.report import along, gains, judges, lengths, table1, table4, tables
from reset.scoring import comparison


@dataclass(frozen=True)
class Measured:
    """Rows by the name of their table or plot, the systems in the order shown, and the columns of Table 4."""

    rows: Mapping[str, Sequence[Row]]
    systems: Sequence[str]
    columns: Sequence[table4.Column]


def gather(
    *,
    metrics: Path,
    scores: Path,
    systems: Sequence[str],
    paper_rows: Mapping[str, str],
    pairs: Sequence[tuple[str, str]],
    points: Sequence[checkpoint_names.Point],
    continued: Sequence[gains.Continued],
    much_longer: int,
    similar: int,
    resamples: int,
    seed: int,
) -> Measured:
    """Read what the stages before wrote to `metrics` and, per prompt, to `scores`.

    `systems` are those to show; what an earlier run left of others is not shown. `paper_rows` names the row of the
    paper's Table 4 that a system stands for, `pairs` the differences to show, `points` what was evaluated along
    trainings, `continued` the systems whose gain to show. A system without scores leaves dashes, a stage without
    metrics leaves its table or plot without rows.
    """
    order = [*(name for name in paper_rows if name in systems), *(name for name in systems if name not in paper_rows)]
    summaries = tables.systems(metrics, order)
    columns = table4.columns(summaries)
    among = [pair for pair in pairs if summaries.keys() >= set(pair)]
    per_prompt = lengths.scores(scores, list(summaries))
    drawn = {"resamples": resamples, "seed": seed}
    return Measured(
        {
            "table4": table4.rows(summaries, columns, paper_rows),
            "differences": comparison.differences([scores], among, **drawn),
            "overview": tables.overview(summaries),
            "systems": tables.scored(summaries),
            "pipelines": tables.pipelines(summaries),
            "lengths": lengths.groups(per_prompt, much_longer),
            "matched": list(lengths.matched(per_prompt, [("if_cd", "if"), *among], similar)),
            "checkpoints": along.overview(metrics, summaries, points),
            "checkpoint_scores": along.scores(metrics, summaries, points),
            "checkpoint_lengths": along.lengths(metrics, summaries, points),
            "gains": gains.rows(metrics, scores, continued, **drawn),
            "tradeoff": tables.tradeoff(summaries),
            "scores": tables.histogram(scores, list(summaries)),
            **_of_stages(metrics),
        },
        list(summaries),
        columns,
    )


def _of_stages(metrics: Path) -> dict[str, Sequence[Row]]:
    return {
        "best_of": tables.best_of(metrics),
        "loss": tables.losses(metrics),
        "wins": tables.wins(metrics),
        "curated": tables.curated(metrics),
        "warnings": judges.warnings(metrics),
        "judges": judges.means(metrics),
        "agreement": judges.agreement(metrics),
        "spread": judges.spread(metrics),
        "watched": judges.watched(metrics),
        "accounts": tables.accounts(metrics),
        "table1": table1.rows(metrics),
    }
