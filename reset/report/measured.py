"""Read all metrics and scores of a run as the rows of the report's tables and plots."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reset import checkpoint_names
from reset.files.metrics import Metrics
from reset.files.tables import Row
from reset.report import along, choices, gains, judges, lengths, table1, table4, tables
from reset.scoring import comparison


@dataclass(frozen=True)
class Measured:
    """Rows by the name of their table or plot, the systems in the order shown, and the columns of Table 4."""

    rows: Mapping[str, Sequence[Row]]
    systems: Sequence[str]
    columns: Sequence[table4.Column]
    stand_ins: Sequence[str]  # verdicts whose figures are marked
    skipped: Sequence[Sequence[str]]  # declared comparisons with a system that is not evaluated


def gather(
    *,
    metrics: Metrics,
    scores: Path,
    systems: Sequence[str],
    paper_rows: Mapping[str, str],
    pairs: Sequence[Sequence[str]],
    pipelines: Mapping[str, Sequence[str]],
    stand_ins: Collection[str],
    points: Sequence[checkpoint_names.Point],
    continued: Sequence[gains.Continued],
    much_longer: int,
    similar: int,
    similar_on: Sequence[str] | None,
    seeds: Sequence[Row],
    resamples: int,
    seed: int,
) -> Measured:
    """Read what earlier stages wrote to `metrics`, and the scores per prompt in the folder `scores`.

    Only `systems` are shown, and metrics of this scale and of declared rows. `paper_rows` maps a system to its row
    of the paper's Table 4; `pairs` are the differences to show, `pipelines` the two-stage ones by title, `points`
    the evaluated checkpoints, `continued` the systems whose gain to show; `stand_ins` are the verdicts of judges that
    stand in for a real one; `seeds` are the rows of Table 4 over several runs. A system without scores gets dashes;
    tables and plots of absent metrics have no rows.
    """
    order = [*(name for name in paper_rows if name in systems), *(name for name in systems if name not in paper_rows)]
    summaries = tables.systems(metrics, order)
    columns = table4.columns(summaries)
    evaluated = [pair for pair in pairs if summaries.keys() >= set(pair)]
    grown = [one for one in continued if summaries.keys() >= {one.system, one.init}]
    bootstrap = {"resamples": resamples, "seed": seed}
    rows: dict[str, Sequence[Row]] = {
        "table4": table4.rows(summaries, columns, paper_rows),
        "differences": list(
            comparison.marked(comparison.differences([scores], evaluated, **bootstrap), summaries.values())
        ),
        "gains": gains.rows(metrics, scores, grown, summaries=summaries.values(), **bootstrap),
        **_of_systems(summaries, pipelines),
        **_of_prompts(scores, summaries, evaluated, much_longer, similar, similar_on),
        "seeds": seeds,
        **_of_checkpoints(metrics, summaries, points),
        **_of_stages(metrics, stand_ins),
    }
    skipped = [pair for pair in pairs if pair not in evaluated]
    return Measured(rows, list(summaries), columns, sorted(stand_ins), skipped)


def _of_systems(summaries: Mapping[str, Row], pipelines: Mapping[str, Sequence[str]]) -> dict[str, Sequence[Row]]:
    return {
        "overview": tables.overview(summaries),
        "systems": tables.scored(summaries),
        "pipelines": tables.pipelines(summaries, pipelines),
        "tradeoff": tables.tradeoff(summaries),
    }


def _of_prompts(
    folder: Path,
    summaries: Mapping[str, Row],
    pairs: Sequence[Sequence[str]],
    much_longer: int,
    similar: int,
    similar_on: Sequence[str] | None,
) -> dict[str, Sequence[Row]]:
    """Figures 5 and 7 and the histograms, from the scores per prompt of each system."""
    by_system, marks = lengths.scores(folder, list(summaries)), tables.resting(summaries)
    return {
        "lengths": lengths.groups(by_system, much_longer, stand_in="faithfulness_abstractive" in marks),
        "matched": list(lengths.matched(by_system, pairs, similar, on=similar_on, stand_in="instruction" in marks)),
        "scores": tables.histogram(folder, list(summaries), marks),
    }


def _of_checkpoints(
    metrics: Metrics, summaries: Mapping[str, Row], points: Sequence[checkpoint_names.Point]
) -> dict[str, Sequence[Row]]:
    return {
        "checkpoints": along.overview(metrics, summaries, points),
        "checkpoint_scores": along.scores(metrics, summaries, points),
        "checkpoint_lengths": along.lengths(metrics, summaries, points),
    }


def _of_stages(metrics: Metrics, stand_ins: Collection[str]) -> dict[str, Sequence[Row]]:
    """Rows of the metrics files of single stages."""
    return {
        "best_of": choices.best_of(metrics),
        "loss": tables.losses(metrics),
        "wins": choices.wins(metrics),
        "curated": choices.curated(metrics),
        "barred": choices.barred(metrics),
        "warnings": judges.warnings(metrics),
        "judges": judges.means(metrics, stand_ins),
        "agreement": judges.agreement(metrics, stand_ins),
        "spread": judges.spread(metrics),
        "watched": judges.watched(metrics, stand_ins),
        "accounts": tables.accounts(metrics),
        "table1": table1.rows(metrics),
    }
