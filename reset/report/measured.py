"""Read all metrics and scores of a run as the rows of the report's tables and plots."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reset import checkpoint_names
from reset.files.metrics import Metrics
from reset.files.tables import Row
from reset.objectives import Measures, Objectives, by_kind, macro_name, overview
from reset.objectives import measures as measures_of
from reset.report import ability, along, choices, gains, judges, lengths, row_flow, table1, table4, tables
from reset.scoring import comparison


@dataclass(frozen=True)
class Measured:
    """Rows by the name of their table or plot, the systems in the order shown, and the columns of Table 4."""

    rows: Mapping[str, Sequence[Row]]
    systems: Sequence[str]
    columns: Sequence[table4.Column]
    stand_ins: Sequence[str]  # verdicts whose figures are marked
    measures: Sequence[str]  # whose differences are shown
    pair: Sequence[str]  # the two objectives of the trade-off
    skipped: Sequence[Sequence[str]]  # declared comparisons with a system that is not evaluated
    macros: Mapping[str, Mapping[str, Row]]  # system -> macro average -> mean, low, high
    objectives: Sequence[str] = ()  # all that are declared, those of the trade-off first
    flows: Sequence[Row] = ()  # where the rows of each data set went; see `reset.report.row_flow`


def gather(
    *,
    metrics: Metrics,
    scores: Path,
    systems: Sequence[str],
    objectives: Objectives,
    tradeoff: Sequence[str],
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
    verified: Mapping[str, Path],
    rated_by: Mapping[str, str],
    resamples: int,
    seed: int,
) -> Measured:
    """Read what earlier stages wrote to `metrics`, and the scores per prompt in the folder `scores`.

    Only `systems` are shown, and metrics of this scale and of declared rows. `tradeoff` are two of the `objectives`.
    `paper_rows` maps a system to its row of the paper's Table 4; `pairs` are the differences to show, `pipelines` the
    two-stage ones by title, `points` the evaluated checkpoints, `continued` the systems whose gain to show; `stand_ins`
    are the verdicts of judges that stand in for a real one; `seeds` are the rows of Table 4 over several runs,
    `verified` the verdicts of judge `verifiable` by system, `rated_by` the verdict of ratings by curated set, without
    those chosen at random. A system without scores gets dashes; tables and plots of absent metrics have no rows.
    """
    order = [*(name for name in paper_rows if name in systems), *(name for name in systems if name not in paper_rows)]
    summaries = tables.systems(metrics, order)
    columns = table4.columns(summaries, objectives, tradeoff)
    measures = measures_of(objectives)
    evaluated = [pair for pair in pairs if summaries.keys() >= set(pair)]
    grown = [one for one in continued if summaries.keys() >= {one.system, one.init}]
    bootstrap = {"resamples": resamples, "seed": seed}
    rows: dict[str, Sequence[Row]] = {
        "table4": table4.rows(summaries, columns, paper_rows, tradeoff),
        "differences": _differences(scores, evaluated, measures, summaries, bootstrap),
        "gains": gains.rows(metrics, scores, grown, measures, summaries=summaries.values(), **bootstrap),
        **_of_systems(summaries, objectives, tradeoff, pipelines),
        **_of_lengths(scores, summaries, evaluated, tradeoff, much_longer, similar, similar_on),
        "scores": tables.histogram(scores, list(summaries), list(objectives), tables.resting(summaries)),
        "seeds": seeds,
        "ability": ability.rows(metrics, list(summaries), verified),
        **_of_checkpoints(metrics, summaries, points, objectives),
        **_of_stages(metrics, stand_ins, judges.choosing(metrics, objectives, rated_by, stand_ins)),
    }
    skipped = [pair for pair in pairs if pair not in evaluated]
    return Measured(
        rows=rows,
        systems=list(summaries),
        columns=columns,
        stand_ins=sorted(stand_ins),
        measures=list(measures),
        pair=tradeoff,
        skipped=skipped,
        macros=_macros(summaries),
        objectives=list(dict.fromkeys([*tradeoff, *objectives])),
        flows=row_flow.flows(metrics),
    )


def _macros(summaries: Mapping[str, Row]) -> dict[str, Mapping[str, Row]]:
    return {name: summary["macro"] for name, summary in summaries.items()}


def _differences(
    scores: Path,
    pairs: Sequence[Sequence[str]],
    measures: Measures,
    summaries: Mapping[str, Row],
    bootstrap: Mapping[str, int],
) -> list[Row]:
    found = comparison.differences([scores], pairs, measures, **bootstrap)
    return list(comparison.marked(found, summaries.values(), measures))


def _of_systems(
    summaries: Mapping[str, Row],
    objectives: Objectives,
    tradeoff: Sequence[str],
    pipelines: Mapping[str, Sequence[str]],
) -> dict[str, Sequence[Row]]:
    return {
        "overview": tables.overview(summaries, overview(objectives)),
        "systems": tables.scored(summaries),
        "pipelines": tables.pipelines(summaries, pipelines, by_kind(objectives)),
        "tradeoff": tables.tradeoff(summaries, tradeoff),
    }


def _of_lengths(
    folder: Path,
    summaries: Mapping[str, Row],
    pairs: Sequence[Sequence[str]],
    tradeoff: Sequence[str],
    much_longer: int,
    similar: int,
    similar_on: Sequence[str] | None,
) -> dict[str, Sequence[Row]]:
    """Figure 5 of the first objective of the trade-off and Figure 7 of the second, from the scores per prompt."""
    by_system, marks = lengths.scores(folder, list(summaries)), tables.resting(summaries)
    first, second = tradeoff
    return {
        "lengths": lengths.groups(by_system, first, much_longer, stand_in=macro_name(first, "abstractive") in marks),
        "matched": list(lengths.matched(by_system, pairs, second, similar, on=similar_on, stand_in=second in marks)),
    }


def _of_checkpoints(
    metrics: Metrics, summaries: Mapping[str, Row], points: Sequence[checkpoint_names.Point], objectives: Objectives
) -> dict[str, Sequence[Row]]:
    return {
        "checkpoints": along.overview(metrics, summaries, points, by_kind(objectives)),
        "checkpoint_scores": along.scores(metrics, summaries, points),
        "checkpoint_lengths": along.lengths(metrics, summaries, points),
    }


def _of_stages(
    metrics: Metrics, stand_ins: Collection[str], chose: Mapping[tuple[str, str], Collection[str]]
) -> dict[str, Sequence[Row]]:
    """Rows of the metrics files of single stages."""
    return {
        "best_of": choices.best_of(metrics),
        "loss": tables.losses(metrics),
        "wins": choices.wins(metrics),
        "curated": choices.curated(metrics),
        "barred": choices.barred(metrics),
        "warnings": judges.warnings(metrics),
        "judges": judges.means(metrics, stand_ins, chose),
        "agreement": judges.agreement(metrics, stand_ins),
        "spread": judges.spread(metrics),
        "watched": judges.watched(metrics, stand_ins),
        "accounts": tables.accounts(metrics),
        "table1": table1.rows(metrics),
    }
