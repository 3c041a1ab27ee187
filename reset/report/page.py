"""Write the report: an HTML page that opens offline, the same as Markdown, and the files that `dvc plots` draws."""

import csv
import functools
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from reset.files.atomic import atomic
from reset.files.tables import Row
from reset.report import charts, markdown, table4, words
from reset.report.browser import Content, packed
from reset.report.measured import Measured


def write(into: Path, measured: Measured, browser: Content) -> str:
    """Write index.html, report.md, table4.csv and the rows of all tables and plots to `into`; return the headline.

    A table or plot without rows is left out. Equal input gives equal bytes.
    """
    rows, columns = measured.rows, measured.columns
    headline, *sentences = words.sentences(rows["differences"], measured.systems)
    sentences += words.skipped(measured.skipped)
    note = table4.note() if any(row["paper_row"] for row in rows["table4"]) else ""
    stand_ins = words.stand_ins(measured.stand_ins)
    texts = {"headline": headline, "stand_ins": stand_ins, "sentences": sentences, "note": note}
    shown = {"columns": columns, "measures": measured.measures, "pair": measured.pair}
    content = {**rows, **texts, **shown, "papers": table4.is_papers(measured.pair)}
    page = _html({**content, "browser": browser, "index": packed(browser.index)}, charts.drawn(rows, measured.pair))
    _write(into / "index.html", page)
    _write(into / "report.md", markdown.markdown(content))
    _write(into / "table4.csv", _csv(table4.flat(rows["table4"], columns)))
    for name, values in rows.items():
        _write(into / f"{name}.json", json.dumps(values, indent=1, ensure_ascii=False) + "\n")
    return headline


def _html(content: Mapping[str, Any], plots: Sequence[Mapping[str, Any]]) -> str:
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    filters = (words.mean, words.figure, words.signed, words.interval, words.direction, words.p_value, words.unknown)
    environment.filters.update({function.__name__: function for function in filters})
    specs = [plot["spec"] for plot in plots]
    return environment.get_template("page.html.j2").render(**content, charts=plots, specs=specs, script=script())


@functools.cache
def script() -> Markup:
    """Return Vega, Vega-Lite and Vega-Embed, once for all plots of a page.

    vega_embed.js is the text of `vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")` of vl-convert-python
    1.9.0, which is 88 MB large and needed for nothing else.
    """
    bundle = Path(__file__).with_name("vega_embed.js").read_text(encoding="utf-8")
    return Markup(bundle.replace("</script", "<\\/script"))  # it holds no text of a user's  # nosec B704


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
