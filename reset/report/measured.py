"""Read all metrics and scores of a run as the rows of the report's tables and plots."""

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
    """Read what earlier stages wrote to `metrics`, and the scores per prompt in the folder `scores`.

    Only `systems` are shown; metrics that an earlier run left of others are ignored. `paper_rows` maps a system to its
    row of the paper's Table 4; `pairs` are the differences to show, `points` the evaluated checkpoints, `continued` the
    systems whose gain to show. A system without scores gets dashes; tables and plots of absent metrics have no rows.
    """
    order = [*(name for name in paper_rows if name in systems), *(name for name in systems if name not in paper_rows)]
    summaries = tables.systems(metrics, order)
    columns = table4.columns(summaries)
    evaluated = [pair for pair in pairs if summaries.keys() >= set(pair)]
    bootstrap = {"resamples": resamples, "seed": seed}
    rows: dict[str, Sequence[Row]] = {
        "table4": table4.rows(summaries, columns, paper_rows),
        "differences": comparison.differences([scores], evaluated, **bootstrap),
        "gains": gains.rows(metrics, scores, continued, **bootstrap),
        **_of_systems(summaries),
        **_of_lengths(lengths.scores(scores, list(summaries)), evaluated, much_longer, similar),
        **_of_checkpoints(metrics, summaries, points),
        "scores": tables.histogram(scores, list(summaries)),
        **_of_stages(metrics),
    }
    return Measured(rows, list(summaries), columns)


def _of_systems(summaries: Mapping[str, Row]) -> dict[str, Sequence[Row]]:
    return {
        "overview": tables.overview(summaries),
        "systems": tables.scored(summaries),
        "pipelines": tables.pipelines(summaries),
        "tradeoff": tables.tradeoff(summaries),
    }


def _of_lengths(
    by_system: Mapping[str, Sequence[Row]], pairs: Sequence[tuple[str, str]], much_longer: int, similar: int
) -> dict[str, Sequence[Row]]:
    """Figures 5 and 7, from the scores per prompt of each system."""
    return {
        "lengths": lengths.groups(by_system, much_longer),
        "matched": list(lengths.matched(by_system, [("if_cd", "if"), *pairs], similar)),
    }


def _of_checkpoints(
    metrics: Path, summaries: Mapping[str, Row], points: Sequence[checkpoint_names.Point]
) -> dict[str, Sequence[Row]]:
    return {
        "checkpoints": along.overview(metrics, summaries, points),
        "checkpoint_scores": along.scores(metrics, summaries, points),
        "checkpoint_lengths": along.lengths(metrics, summaries, points),
    }


def _of_stages(metrics: Path) -> dict[str, Sequence[Row]]:
    """Rows of the metrics files of single stages."""
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
