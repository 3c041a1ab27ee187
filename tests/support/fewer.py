"""A params.yaml for a short line: of few systems and what these need, with few rows and micro models of few steps."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

Rows = dict[str, Any]
MOST = {"blocks": 320, "pairs": 256}  # that a micro model is trained on
ROWS, PROMPTS = 60, 4  # of a mixture, and of a data set


def only(content: Rows, systems: Collection[str]) -> Rows:
    """Leave the pools `systems`, by which they are evaluated, and what these are made of.

    Candidates and curated rows stay where a system that stays is trained on them.
    """
    pools, trained, curated, mixtures = set(systems), set(), set(), set()
    before = -1
    while before != (before := len(pools) + len(trained) + len(curated) + len(mixtures)):
        trained |= {content["pools"][name]["model"].partition("/")[0] for name in pools} & content["systems"].keys()
        trained |= {content["systems"][name]["init"].partition("/")[0] for name in trained} & content["systems"].keys()
        data = [content["systems"][name]["data"].partition("/") for name in trained]
        curated |= {name for table, _, name in data if table == "curated"}
        mixtures |= {name for table, _, name in data if table == "mixtures"}
        mixtures |= {content["systems"][name]["dev"] for name in trained}
        pools |= {content["curated"][name]["pool"] for name in curated}
    kept = {"pools": pools, "systems": trained, "curated": curated, "mixtures": mixtures}
    asked = {content["pools"][name]["prompts"] for name in pools}
    rows = {table: _of(content[table], names) for table, names in {**kept, "prompts": asked}.items()}
    report = {
        **content["report"],
        "comparisons": [pair for pair in content["report"]["comparisons"] if {*pair} <= {*systems}],
        "pipelines": {name: steps for name, steps in content["report"]["pipelines"].items() if {*steps} <= {*systems}},
        "paper_rows": _of(content["report"]["paper_rows"], systems),
    }
    evaluate = {**content["evaluate"], "systems": [one for one in content["evaluate"]["systems"] if one in systems]}
    return {**content, **rows, "evaluate": evaluate, "report": report}


def write_only(path: Path, systems: Collection[str]) -> None:
    """Rewrite a params.yaml with `only`, few rows to train on, few prompts, and micro models of few steps."""
    content = only(yaml.safe_load(path.read_text()), systems)
    for row in content["base"].values():
        row["options"] |= {key: min(row["options"][key], most) for key, most in MOST.items() if key in row["options"]}
    for row in content["mixtures"].values():
        row["rows"] = min(row["rows"] or ROWS, ROWS)
    for row in content["prompts"].values():
        row["rows"] = {name: min(rows, PROMPTS) for name, rows in row["rows"].items()}
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def _of(rows: Rows, names: Collection[str]) -> Rows:
    return {name: row for name, row in rows.items() if name in names}
