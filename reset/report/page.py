"""Write the report: an HTML page that opens offline, the same as Markdown, and the files that `dvc plots` draws."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reset.files.atomic import atomic
from reset.files.tables import Row
from reset.report import charts, figures, html, markdown, row_flow, table4, words
from reset.report.browser import Content, packed
from reset.report.measured import Measured
from reset.report.story import Run, story

SCRIPTS = ("vega_embed.js", "page.js", "answer_cards.js", "answer_search.js", "answers.js")
SECTIONS = {  # id -> name, and the rows that the section shows as tables
    "systems": ("Systems", ("table4", "overview", "systems", "differences", "seeds", "matched", "ability")),
    "data": ("Data", ("table1", "accounts")),
    "pools": ("Pools and choice", ("curated", "barred", "wins")),
    "judges": ("Judges", ("judges", "watched", "agreement", "spread", "warnings")),
    "training": ("Training", ("checkpoints", "gains")),
}


def write(into: Path, measured: Measured, browser: Content, run: Run) -> str:
    """Write index.html, report.md, table4.csv and the rows of all tables and plots to `into`; return the headline.

    A table or plot without rows is left out. Equal input gives equal bytes.
    """
    rows, columns = measured.rows, measured.columns
    headline, *sentences = words.sentences(rows["differences"], measured.systems)
    sentences += words.skipped(measured.skipped)
    note = table4.note() if any(row["paper_row"] for row in rows["table4"]) else ""
    stand_ins = words.stand_ins(measured.stand_ins)
    texts = {"headline": headline, "stand_ins": stand_ins, "sentences": sentences, "note": note}
    texts |= {"one_run": words.ONE_RUN}
    shown = {"columns": columns, "measures": measured.measures, "pair": measured.pair}
    content = {**rows, **texts, **shown, "papers": table4.is_papers(measured.pair)}
    _page(into / "index.html", content, measured, browser, run)
    _write(into / "report.md", markdown.markdown(content))
    _write(into / "table4.csv", _csv(table4.flat(rows["table4"], columns)))
    for name, values in rows.items():
        _write(into / f"{name}.json", json.dumps(values, indent=1, ensure_ascii=False) + "\n")
    return headline


def _page(path: Path, content: Mapping[str, Any], measured: Measured, browser: Content, run: Run) -> None:
    plots = charts.drawn(measured.rows, measured.pair, run.lineage, measured.systems)
    drawings = figures.drawn(measured, run.lineage)
    has = (
        {plot["section"] for plot in plots}
        | {one.section for one in drawings}
        | ({"data"} if measured.flows else set())
    )
    html.write(
        path,
        "page.html.j2",
        **{**content, "skipped": words.skipped(measured.skipped)},
        story=story(measured, run),
        run=run,
        places=run.lineage.places(measured.systems),
        sections=_sections(measured, has, browser, run),
        charts=plots,
        specs=[{key: plot[key] for key in ("spec", "picker", "one")} for plot in plots],
        figures=drawings,
        flow=row_flow.drawing(measured.flows),
        browser=browser,
        index=packed(browser.about()) if browser.index else "",
        scripts={name: html.script(name) for name in SCRIPTS},
    )


def _sections(measured: Measured, has: set[str], browser: Content, run: Run) -> list[tuple[str, str]]:
    """The sections that have something to show, as id and name."""
    found = [("story", "Story")]
    for section, (name, tables) in SECTIONS.items():
        if section in has or any(measured.rows[table] for table in tables):
            found.append((section, name))
    costs = [("costs", "Costs")] if run.costs else []
    return [*found, *costs, *([("answers", "Answers")] if browser.index else [])]


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
