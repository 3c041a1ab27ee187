"""Fill the templates of the page, of `reset-lm diff` and of `reset-lm seeds`; every text is escaped."""

import functools
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from reset.files.atomic import atomic
from reset.report import words
from reset.report.lineage import GREY, PALETTE

FILTERS = (words.mean, words.figure, words.signed, words.interval, words.direction, words.p_value, words.unknown)


def write(path: Path, template: str, **content: Any) -> None:
    """Write a template with its `content` to `path`; each page gets the colours of the families."""
    page = _environment().get_template(template).render(**content, colours=[*PALETTE, GREY])
    with atomic(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


@functools.cache
def _environment() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update({function.__name__: function for function in FILTERS})
    return environment


@functools.cache
def script(name: str) -> Markup:
    """Return a script of this folder, ready to stand in a page; none holds a text of a user's.

    vega_embed.js has Vega, Vega-Lite and Vega-Embed. It is the text of
    `vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")` of vl-convert-python 1.9.0, which is 88 MB large and
    needed for nothing else.
    """
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return Markup(text.replace("</script", "<\\/script"))  # nosec B704
