"""`select`, `evaluate` and the report on made pools: the paper's objectives as ever, and objectives of a user's own."""

import json
from pathlib import Path
from typing import Any

import pytest

from reset.choosing import curated_rows, select
from reset.choosing.candidates import Bars
from reset.choosing.combining import Rule
from reset.files import tables
from reset.objectives import Objectives, read
from reset.report import browser, gains, measured, page
from reset.report.story import Run
from reset.scoring import evaluate
from tests.support import folders, made_pools
from tests.support.paper_objectives import OBJECTIVES, PLAIN

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parent / "support/golden_objectives.json"  # made by the code that had three fixed axes
CURATED: dict[str, dict[str, Any]] = {
    "reset": {},
    "reset_s": {"sweeps": 2, "share": 0.25, "rating": "rating_weak"},
    "random": {"pick": "random"},
    "pairs": {"pick": "pairs", "margin": 0.5},
    "floor": {"bars": Bars("keep", "keep", {"faithfulness": 0.5, "score": 1.0})},
    "labelled": {"pick": "labelled", "margin": 0.1},
    "weighted": {"pick": "weighted", "temperature": 0.5},
    "stand": {"stand_ins": {"summac", "oracle"}},
}


def choose(root: Path, name: str, objectives: Objectives, **options: Any) -> tuple[dict[str, Any], list[tables.Row]]:
    """Make the curated rows `name` of the made candidates; return figures and rows."""
    settings = {"sweeps": 1, "pick": "best", "share": 1.0, "seed": 0, "template": "micro", "rating": "rating"}
    settings |= {"bars": Bars(), "rule": Rule(), **options}
    into = root / f"data/curated/{name}.parquet"
    account, figures = select.keep_best(
        root / "data/answers/mtl_candidates.parquet",
        made_pools.verdict_files(root, "mtl_candidates"),
        root / "data/prompts/candidates.parquet",
        into,
        objectives=objectives,
        **settings,  # type: ignore[arg-type]
    )
    account.write(root / f"metrics/select/{name}.json", scale=folders.SCALE, **figures)
    return figures, list(tables.read(into, curated_rows.SCHEMAS[settings["pick"]]))  # type: ignore[index]


def score(root: Path, objectives: Objectives) -> dict[str, dict[str, Any]]:
    """Evaluate the made systems; return their summaries."""
    summaries = {}
    for system in ("mtl", "mtl_reset", "mtl_reset_50"):
        account, summaries[system] = evaluate.evaluate(
            root / f"data/answers/{system}.parquet",
            made_pools.verdict_files(root, system),
            root / "data/prompts/test.parquet",
            root / f"data/scores/{system}.parquet",
            **{"objectives": objectives, "groups": made_pools.GROUPS, "bootstrap": 200, "seed": 0},
            stand_ins={"rating"},
        )
        account.write(root / f"metrics/systems/{system}.json", scale=folders.SCALE, **summaries[system])
    return summaries


def report(root: Path, objectives: Objectives, pair: list[str]) -> Path:
    """Write the report of the made systems."""
    rows = measured.gather(
        metrics=folders.metrics(root),
        scores=root / "data/scores",
        systems=["mtl", "mtl_reset"],
        objectives=objectives,
        tradeoff=pair,
        paper_rows={"mtl": "w/ MTL", "mtl_reset": "w/ MTL+ReSet"},
        pairs=[["mtl_reset", "mtl"]],
        verified={},
        rated_by={},
        pipelines={"one": ["mtl", "mtl_reset"]},
        stand_ins={"rating"},
        points=[],
        continued=[gains.Continued("mtl_reset", "mtl", "mtl on best")],
        **{"much_longer": 2, "similar": 3, "similar_on": None, "seeds": [], "resamples": 200, "seed": 0},
    )
    pools = {name: root / f"data/answers/{name}.parquet" for name in ("mtl", "mtl_reset", "mtl_candidates")}
    curated = {"reset": ("mtl_candidates", root / "data/curated/reset.parquet")}
    shelves = [
        browser.Shelf("test", root / "data/prompts/test.parquet", pools, {}),
        browser.Shelf("candidates", root / "data/prompts/candidates.parquet", pools, curated),
    ]
    of = {"objectives": objectives, "tradeoff": pair, "max_bytes": 10**7}
    page.write(root / "report", rows, browser.content(shelves, verdicts=root / "data/verdicts", **of), Run())  # type: ignore[arg-type]
    return root / "report"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return made_pools.write(tmp_path)


def told(figures: dict[str, Any]) -> dict[str, Any]:
    """The figures of a choice that are golden."""
    return {
        **{key: figures[key] for key in ("candidates_barred", "wins")},
        **{key: {name: of[key] for name, of in figures["datasets"].items()} for key in ("winner_score", "least_bad")},
        **{key: {task: of[key] for task, of in figures["judges"].items()} for key in ("spread", "warnings")},
    }


def shown(name: str, rows: list[tables.Row]) -> dict[str, Any]:
    """The winners that are golden: each, or sums where all answers are rows."""
    if name not in ("labelled", "weighted"):
        return {row["example_id"]: [row["setting"], row["sweep"], row["score"]] for row in rows}
    extra = sum(row.get("weight", 0) + row.get("desirable", 0) for row in rows)
    return {"rows": len(rows), "score": round(sum(row["score"] for row in rows), 6), "extra": round(extra, 6)}


@pytest.mark.parametrize("name", CURATED)
def test_the_papers_objectives_choose_as_its_axes_did(root: Path, name: str) -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    figures, rows = choose(root, name, OBJECTIVES, **CURATED[name])
    assert told(figures) == golden["select"][name]
    assert shown(name, rows) == golden["winners"][name]
    assert "rule" not in figures


def test_the_papers_objectives_are_measured_as_its_axes_were(root: Path) -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    summaries = score(root, OBJECTIVES)
    for system, macro in golden["macro"].items():
        found = summaries[system]["macro"]
        assert {name: [of["mean"], of["low"], of["high"]] for name, of in found.items()} == macro
    into = report(root, OBJECTIVES, ["faithfulness", "instruction"])
    (pair,) = json.loads((into / "differences.json").read_text())
    found = {name: [of[key] for key in ("mean", "low", "high", "p_holm")] for name, of in pair["measures"].items()}
    assert found == golden["differences"]
    assert list(found) == ["seen faithfulness", "unseen faithfulness", "instruction", "task"]


OWN = read(
    {
        "safety": {
            **PLAIN,
            **{"weight": 3.0, "floor": 0.2, "compare": ["seen", "unseen"]},
            "verdicts": {
                "extractive_qa": "span_coverage",
                "abstractive_qa": {"take": "min", "of": ["summac", "oracle"], "null_if": "all"},
                "summarization": {"take": "mean", "of": ["summac", "oracle"], "null_if": "any"},
                "instruction": "rating_weak",
            },
        },
        "brevity": {
            **PLAIN,
            "transform": "invert",
            "verdicts": {
                **dict.fromkeys(("extractive_qa", "abstractive_qa", "summarization"), "unigram_coverage"),
                "instruction": "rating",
            },
        },
    }
)


@pytest.mark.parametrize("combine", ["weighted_sum", "log_sigmoid", "lexicographic", "pareto"])
def test_a_users_own_objectives_choose_in_every_way(root: Path, combine: Any) -> None:
    figures, rows = choose(root, "reset", OWN, rule=Rule(combine, "prompt"))
    assert all(row["objectives"].keys() == {"safety", "brevity"} for row in rows)
    assert all(row["objectives"]["safety"] >= 0.2 for row in rows)
    assert any(why.startswith("safety below 0.2") for why in figures["candidates_barred"])
    assert (figures["rule"]["combine"], figures["rule"]["normalise"]) == (combine, "prompt")
    assert list(figures["judges"]["summarization"]["spread"]) == ["brevity", "safety"]


def test_a_users_own_objectives_stand_in_every_figure_and_on_the_page(root: Path) -> None:
    choose(root, "reset", OWN)
    macro = score(root, OWN)["mtl"]["macro"]
    parts = ("abstractive", "extractive", "instruction", "seen", "unseen")
    for name in ("safety", "brevity"):
        assert macro.keys() >= {name, *(f"{name}_{part}" for part in parts)}
    assert macro["brevity"]["stand_in"] and "stand_in" not in macro["brevity_seen"]  # one of its verdicts is one's
    into = report(root, OWN, ["safety", "brevity"])

    def rows(name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads((into / f"{name}.json").read_text())
        return found

    assert [set(row) for row in rows("tradeoff")] == [{"system", "safety", "brevity", "stand_in"}] * 2
    assert {"safety_seen", "safety_unseen", "safety_abstractive"} < rows("overview")[0].keys()
    assert list(rows("differences")[0]["measures"]) == ["seen safety", "unseen safety", "brevity"]
    assert {row["objective"] for row in rows("scores")} == {"safety", "brevity (stand-in)"}
    assert {row["objective"] for row in rows("spread")} == {"safety", "brevity"}
    assert {row["score"] for row in rows("pipelines")} > {"safety_extractive", "safety_instruction"}
    assert {row["panel"] for row in rows("gains")} == {"seen safety", "unseen safety", "brevity (stand-in)"}
    assert "safety" in rows("lengths")[0] and rows("matched")[0]["n"] > 0
    assert {row["objective"] for row in rows("systems")} > {"safety", "brevity", "oracle"}


def test_the_papers_table_stands_beside_its_own_objectives_alone(root: Path) -> None:
    choose(root, "reset", OWN)
    score(root, OWN)
    text = (report(root, OWN, ["safety", "brevity"]) / "report.md").read_text()
    assert "## Scores per data set" in text and "paper's in brackets" not in text.split("## Scores per system")[0]
    head = next(line for line in text.splitlines() if line.startswith("| system | MS MARCO (safety)"))
    assert "NQ (brevity)" in head and "CNN DailyMail" not in head and "alignment" not in head
    head = (root / "report/table4.csv").read_text().splitlines()[0].split(",")
    assert {"nq", "brevity_nq", "safety_extractive", "brevity_instruction (stand-in)"} < set(head)
    page_ = (root / "report/index.html").read_text()
    assert "Safety and brevity per data set" in page_ and "faithful" not in page_.lower().split("<script")[0]
    score(root, OBJECTIVES)
    text = (report(root, OBJECTIVES, ["faithfulness", "instruction"]) / "report.md").read_text()
    assert "## Table 4: ours (the paper's in brackets)" in text and "| alignment |" in text
