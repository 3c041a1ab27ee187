"""What the cards of a model and of a data set share: sources with their licences, settings, and the templates."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import yaml

from reset.evidence.lineage import Step
from reset.evidence.public import public
from reset.evidence.revisions import Run

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
PAPER = "2407.21417"


def render(template: str, **content: Any) -> str:
    """Fill a template of this folder; `cells` writes a row of a table, `yaml` a value."""
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)  # nosec B701: this is Markdown
    environment.filters |= {"cells": _cells, "yaml": _yaml}
    text = environment.from_string(Path(__file__).with_name(template).read_text(encoding="utf-8"))
    return text.render(paper=PAPER, **content)


def sources(run: Run, steps: Sequence[Step], ran: Mapping[str, Step]) -> list[dict[str, str]]:
    """Return a row per data set whose rows a stage of the lineage was trained on or answered."""
    parts = [part for step in steps for row in step.rows("mixtures").values() for part in row["parts"].values()]
    mixed = {name for part in parts for name in part}
    drawn = {name for step in steps for row in step.rows("prompts").values() for name in row["rows"]}
    rows = []
    for name in sorted(mixed | drawn):
        fetched = run.figures(f"metrics/fetch/{name}.json")
        prepared = run.figures(f"metrics/prepare/{name}.json")
        raw = ran[f"fetch@{name}"].made.get(f"data/raw/{name}", "") if f"fetch@{name}" in ran else ""
        origin = fetched.get("origin", "unknown")
        published = fetched.get("revision") or "://" in origin or origin in ("generated", "unknown")
        rows.append(
            {
                "name": name,
                "licence": fetched.get("licence") or "unknown",
                "origin": origin if published else "a local copy",  # no paths of a machine
                "revision": fetched.get("revision") or "",
                "rows": str(prepared.get("splits", {}).get("train", "")),
                "hash": raw,
            }
        )
    return rows


def hub_ids(sources: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the sources that the hub has."""
    return [row["origin"] for row in sources if row["revision"] and HUB_ID.fullmatch(row["origin"])]


def settings(steps: Sequence[Step], kinds: Sequence[str], keys: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and parameters (`keys`) of each stage of `kinds`, as they may be published; equal ones only once."""
    yielded: list[dict[str, Any]] = []
    for step in steps:
        if step.kind.startswith(tuple(kinds)):
            chosen = {key: public(value, key) for key, value in step.params.items() if key.partition(".")[0] in keys}
            if chosen not in yielded:
                yielded.append(chosen)
                yield step.stage, chosen


def _cells(values: Iterable[Any]) -> str:
    """One row of a Markdown table."""
    return "| " + " | ".join(str(value).replace("|", "\\|").replace("\n", " ") for value in values) + " |"


def _yaml(value: Any) -> str:
    text: str = yaml.safe_dump(value, sort_keys=False, default_flow_style=None, width=110, allow_unicode=True)
    return text.rstrip()
