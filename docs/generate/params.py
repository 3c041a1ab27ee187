"""The pages on params.yaml: a page per module of `reset.params`, a heading per section, a paragraph per key."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from docs.generate import scales
from docs.generate.keys import Key, every_key
from docs.generate.markdown import page, prose, table

TITLES = {
    "document": "Params: the whole",
    "data": "Params: data",
    "training": "Params: training",
    "answers": "Params: answers and judges",
    "objectives": "Params: objectives",
    "report": "Params: scores and report",
    "ability": "Params: general ability",
    "plan": "Params: plan",
}


def pages(conf: Path) -> dict[str, str]:
    """Return the pages by their path in the site."""
    keys, composed = every_key(conf), scales.compose(conf)
    return {f"reference/params-{name}.md": _page(name, title, keys, composed) for name, title in TITLES.items()}


def _page(name: str, title: str, keys: list[Key], composed: Mapping[str, Any]) -> str:
    sections = {key.path[0] for key in keys if len(key.path) == 1 and key.module == name}
    parts = [_entry(key, composed) for key in keys if key.path[0] in sections]
    return page(title, prose(import_module(f"reset.params.{name}").__doc__ or ""), *parts)


def _entry(key: Key, composed: Mapping[str, Any]) -> str:
    where = "".join(f", with {tag} {', '.join(_of(key, tag))}" for tag in dict(key.only))
    lines = [f"{'#' * (2 if len(key.path) == 1 else 3)} `{key.name}`{where}", "", prose(key.meaning), ""]
    lines += [f"- **Type:** {key.kind.replace('<', '&lt;')}", f"- **Source:** {source(key)}"]
    lines += [f"- **In `conf/`:** {prose(note)}" for note in key.notes]
    return "\n".join([*lines, *(_defaults(key, composed) if key.leaf else [])])


def _of(key: Key, tag: str) -> list[str]:
    return [f"`{value}`" for name, value in key.only if name == tag]


def source(key: Key) -> str:
    """Return the places of the paper; a key that names none is the project's own."""
    return "; ".join(key.sources) or "not of the paper"


def _defaults(key: Key, composed: Mapping[str, Any]) -> list[str]:
    """The values of the scales, as one line where all have the same."""
    values = {name: scales.value(key, content) or "not set" for name, content in composed.items()}
    if len(set(values.values())) == 1:
        return [f"- **Default**, on every scale: {next(iter(values.values()))}"]
    return ["", table(["scale", "default"], [[f"`{name}`", value] for name, value in values.items()])]
