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

from reset.files.atomic import atomic
from reset.files.tables import Row
from reset.report import charts, table4, words
from reset.report.browser import Content, packed
from reset.report.measured import Measured
from reset.scoring import comparison


def write(into: Path, measured: Measured, browser: Content) -> str:
    """Write index.html, report.md, table4.csv and the rows of all tables and plots to `into`; return the headline.

    A table or plot without rows is left out. Equal input gives equal bytes.
    """
    rows, columns = measured.rows, measured.columns
    headline, *sentences = words.sentences(rows["differences"], measured.systems)
    said = {"headline": headline, "sentences": sentences, "note": table4.note()}
    content = {**rows, **said, "columns": columns, "measures": list(comparison.MEASURES)}
    page = _html({**content, "browser": browser, "index": packed(browser.index)}, charts.drawn(rows))
    _write(into / "index.html", page)
    _write(into / "report.md", words.markdown(content))
    _write(into / "table4.csv", _csv(table4.flat(rows["table4"], columns)))
    for name, values in rows.items():
        _write(into / f"{name}.json", json.dumps(values, indent=1, ensure_ascii=False) + "\n")
    return headline


def _html(content: Mapping[str, Any], plots: Sequence[Mapping[str, Any]]) -> str:
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    shown = (words.mean, words.figure, words.signed, words.interval, words.direction)
    environment.filters.update({function.__name__: function for function in shown})
    specs = [plot["spec"] for plot in plots]
    return environment.get_template("page.html.j2").render(**content, charts=plots, specs=specs, script=_script())


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
