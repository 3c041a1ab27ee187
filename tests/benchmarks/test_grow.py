"""What the documents say of a pool that grows is what was measured."""

import json

from tests.support import ROOT

FOUND = json.loads((ROOT / "benchmarks/results/grow.json").read_text())


def test_the_table_of_growth_is_that_of_the_benchmark() -> None:
    told = (ROOT / "docs/recipes.md").read_text()
    assert len(FOUND["costs"]) == 8
    for cost in FOUND["costs"]:
        counts = [f"{cost[stage][kind]:,.0f}" for stage in ("sample", "judge") for kind in ("from_store", "computed")]
        seconds = [f"{cost[stage]['cpu_s']:.1f}" for stage in ("sample", "judge")]
        assert f"| {cost['what']} | {' | '.join([*counts, *seconds])} |" in told


def test_growth_computes_the_new_half_and_gives_the_pool_from_nothing() -> None:
    held = {check["what"]: check["holds"] for check in FOUND["checks"]}
    assert len(held) == 8
    missed = [what for what, holds in held.items() if not holds]
    assert all("CPU time" in what for what in missed), missed  # the documents tell what growth costs
