"""One page that opens offline, its Markdown twin, and the small files that `dvc plots` draws."""

import csv
import functools
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import vl_convert
from markupsafe import Markup

from reset import comparison, kept
from reset.report import along, gains, judges, lengths, plots, table1, table4, tables, words
from reset.report.browser import Content, packed
from reset.tables import Row, atomic

Rows = Mapping[str, Sequence[Row]]


def write(
    into: Path,
    *,
    metrics: Path,
    scores: Path,
    systems: Sequence[str],
    paper_rows: Mapping[str, str],
    pairs: Sequence[tuple[str, str]],
    points: Sequence[kept.Point],
    continued: Sequence[gains.Continued],
    browser: Content,
    much_longer: int,
    similar: int,
    resamples: int,
    seed: int,
) -> str:
    """Write index.html, report.md, table4.csv and the rows of tables and plots to `into`; return the headline.

    `systems` are those to show; what an earlier run left of others is not shown. `paper_rows` names the row of the
    paper's Table 4 that a system stands for, `pairs` the differences to show, `points` what was
    evaluated along trainings, `continued` the systems whose gain to show, `browser` what the answer browser holds.
    A system without scores leaves dashes, a stage without metrics leaves its table or plot out. Equal input gives equal
    bytes.
    """
    order = [*(name for name in paper_rows if name in systems), *(name for name in systems if name not in paper_rows)]
    summaries = tables.systems(metrics, order)
    columns = table4.columns(summaries)
    among = [pair for pair in pairs if summaries.keys() >= set(pair)]
    per_prompt = lengths.scores(scores, list(summaries))
    rows: dict[str, Sequence[Row]] = {
        "table4": table4.rows(summaries, columns, paper_rows),
        "differences": comparison.differences([scores], among, resamples=resamples, seed=seed),
        "overview": tables.overview(summaries),
        "systems": tables.scored(summaries),
        "pipelines": tables.pipelines(summaries),
        "lengths": lengths.groups(per_prompt, much_longer),
        "matched": list(lengths.matched(per_prompt, [("if_cd", "if"), *among], similar)),
        "checkpoints": along.overview(metrics, summaries, points),
        "checkpoint_scores": along.scores(metrics, summaries, points),
        "checkpoint_lengths": along.lengths(metrics, summaries, points),
        "gains": gains.rows(metrics, scores, continued, resamples=resamples, seed=seed),
        "best_of": tables.best_of(metrics),
        "tradeoff": tables.tradeoff(summaries),
        "loss": tables.losses(metrics),
        "scores": tables.histogram(scores, list(summaries)),
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
    headline, *sentences = words.sentences(rows["differences"], list(summaries))
    said = {"headline": headline, "sentences": sentences, "note": table4.note()}
    content = {**rows, **said, "columns": columns, "measures": list(comparison.MEASURES)}
    _write(into / "index.html", _html({**content, "browser": browser, "index": packed(browser.index)}, charts(rows)))
    _write(into / "report.md", words.markdown(content))
    _write(into / "table4.csv", _csv(table4.flat(rows["table4"], columns)))
    for name, values in rows.items():
        _write(into / f"{name}.json", json.dumps(values, indent=1, ensure_ascii=False) + "\n")
    return headline


def charts(rows: Rows) -> list[dict[str, Any]]:
    """The plots that there are rows for: title, a sentence on how to read it, specification."""
    found = []
    if rows["tradeoff"]:
        text = (
            "Faithfulness to the right, instruction following upwards (the paper's Figure 1): the upper right is best."
        )
        found.append({"title": "The trade-off", "text": text, "spec": plots.tradeoff(rows["tradeoff"])})
    if rows["pipelines"]:
        text = (
            "The paper's Figures 3 and 6: what a second stage of the other kind of data does to both. Lines: intervals."
        )
        found.append(
            {"title": "Before and after the second stage", "text": text, "spec": plots.pipelines(rows["pipelines"])}
        )
    if rows["checkpoints"]:
        text = "The paper's Figure 4: mean length of an answer, from the model that the training starts with on."
        spec = plots.facets(rows["checkpoint_lengths"], "tokens")
        found.append({"title": "Response length along the training", "text": text, "spec": spec})
        text = "The paper's Figures 9 to 14, for each data set. The table below says what each step is."
        spec = plots.facets(rows["checkpoint_scores"], "mean")
        found.append({"title": "Scores along the training", "text": text, "spec": spec})
    if rows["gains"]:
        text = (
            "What each system gained over the one it started from, beside the rows it was trained on; lines: intervals."
        )
        found.append({"title": "What continued training brings", "text": text, "spec": plots.gains(rows["gains"])})
    if rows["best_of"]:
        text = "The score that the best of n random candidates has on average; n = 1 is a random choice."
        found.append({"title": "What choosing brings", "text": text, "spec": plots.best_of(rows["best_of"])})
    if any(row["n"] for row in rows["lengths"]):
        text = "The paper's Figure 5, lengths in words: does length alone explain what is unfaithful?"
        found.append({"title": "Faithfulness by length", "text": text, "spec": plots.lengths(rows["lengths"])})
    if rows["loss"]:
        text = "Thin: training loss. Thick: loss on dev rows. A click on a system in the legend picks it out."
        found.append({"title": "Training", "text": text, "spec": plots.losses(rows["loss"])})
    for axis in dict.fromkeys(row["axis"] for row in rows["scores"]):
        text = "Each line is a system; the darker a twentieth of the scale, the more of its answers score there."
        spec = plots.histogram(rows["scores"], axis)
        found.append({"title": f"Where the scores lie: {axis}", "text": text, "spec": spec})
    if rows["wins"]:
        text = "Prompts whose kept answer came from each decode setting."
        found.append({"title": "Which decode settings won", "text": text, "spec": plots.wins(rows["wins"])})
    return found


def _html(content: Mapping[str, Any], drawn: Sequence[Mapping[str, Any]]) -> str:
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    shown = (words.mean, words.figure, words.signed, words.interval, words.direction)
    environment.filters.update({function.__name__: function for function in shown})
    specs = [chart["spec"] for chart in drawn]
    return environment.get_template("page.html.j2").render(**content, charts=drawn, specs=specs, script=_script())


@functools.cache
def _script() -> Markup:
    """Vega, Vega-Lite and Vega-Embed, once for all plots of the page."""
    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return Markup(bundle.replace("</script", "<\\/script"))  # no text of a user's is in it


def _csv(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()


def _write(path: Path, text: str) -> None:
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
