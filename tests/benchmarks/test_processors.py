"""The documents tell of each stage what was measured under the instructions of other processors."""

import json

from tests.support import ROOT

FOUND = json.loads((ROOT / "benchmarks/results/processors.json").read_text())["stages"]
TEXT = (
    (ROOT / "docs/recipes.md").read_text().partition("## The same inputs on another processor")[2].partition("\n## ")[0]
)
OTHER = ("one thread", "AVX2", "SSE4")


def test_a_stage_is_in_the_table_exactly_if_it_differs_somewhere() -> None:
    for stage, trials in FOUND.items():
        if stage != "report":  # the page has dates
            assert trials["this one"]["equal"]
            assert (f"| `{stage}` |" in TEXT) is not all(trials[name]["equal"] for name in OTHER)
            assert f"`{stage}`" in TEXT


def test_shares_of_rows_are_those_measured() -> None:
    for stage, trials in FOUND.items():
        for name in OTHER:
            for shares in trials[name].get("apart", {}).values():
                line = next(line for line in TEXT.splitlines() if line.startswith(f"| `{stage}` |"))
                assert f"{100 * shares['rows']:.0f} % of rows" in line.split("|")[2 + OTHER.index(name)]
