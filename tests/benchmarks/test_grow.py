"""What the documents say of a pool that grows is what was measured."""

import json

from tests.support import ROOT

COST = "sweeps 1 to 2: CPU time / that of a pool of one sweep"
FOUND = json.loads((ROOT / "benchmarks/results/grow.json").read_text())


def test_the_table_of_growth_is_that_of_the_benchmark() -> None:
    told = (ROOT / "docs/recipes.md").read_text()
    assert len(FOUND["costs"]) == 8
    for cost in FOUND["costs"]:
        counts = [f"{cost[stage][kind]:,.0f}" for stage in ("sample", "judge") for kind in ("from_store", "computed")]
        seconds = [f"{cost[stage]['cpu_s']:.1f}" for stage in ("sample", "judge")]
        assert f"| {cost['what']} | {' | '.join([*counts, *seconds])} |" in told


def test_growth_computes_the_new_half_and_gives_the_pool_from_nothing() -> None:
    checks = {check["what"]: check for check in FOUND["checks"]}
    assert len(checks) == 8
    missed = {what: check["value"] for what, check in checks.items() if not check["holds"]}
    told = (ROOT / "docs/recipes.md").read_text()
    assert set(missed) <= {f"{stage}, {COST}" for stage in ("sample", "judge")}
    for what, value in missed.items():  # a bar that is missed is told with its figure
        assert f"{value:.2f} for `{what.partition(',')[0]}`" in told
