"""The page of a small made run, as the tests of its answers need it."""

import contextlib
from collections.abc import Collection, Sequence
from pathlib import Path

from reset import params
from reset.report import browser, lineage, measured, page
from reset.report.story import Run
from stages import report as stage
from tests.support import folders
from tests.support.paper_objectives import OBJECTIVES


def content(root: Path, max_bytes: int = 10**7, stand_ins: Collection[str] = ()) -> browser.Content:
    """The answers of a run by `lines.write`."""
    with contextlib.chdir(root):
        declared = stage.shelves(params.load())
    shelves = [
        browser.Shelf(
            shelf.name,
            root / shelf.prompts,
            {name: root / path for name, path in shelf.pools.items()},
            {name: (pool, root / path) for name, (pool, path) in shelf.curated.items()},
        )
        for shelf in declared
    ]
    options = {"objectives": OBJECTIVES, "tradeoff": ["faithfulness", "instruction"], "stand_ins": stand_ins}
    return browser.content(
        shelves, verdicts=root / "data/verdicts", max_bytes=max_bytes, labels=root / "labels", **options
    )


FACTS = [("scale", "micro"), ("machine", "two cores of a processor with a long name"), ("commit", "0123456789")]


def page_of(
    root: Path, systems: Sequence[str], pairs: Sequence[tuple[str, str]], answers: browser.Content, run: Run
) -> Path:
    """Write the page of `systems`, compared in `pairs`."""
    rows = measured.gather(
        metrics=folders.metrics(root),
        scores=root / "data/scores",
        systems=systems,
        objectives=OBJECTIVES,
        tradeoff=["faithfulness", "instruction"],
        paper_rows={},
        pipelines={},
        stand_ins=[],
        pairs=pairs,
        points=[],
        continued=[],
        verified={},
        rated_by={"reset": "rating"},
        **{"resamples": 50, "seed": 0, "much_longer": 10, "similar": 10, "similar_on": None, "seeds": []},
    )
    page.write(root / "out", rows, answers, run)
    return root / "out/index.html"


def written(root: Path) -> Path:
    """Write the page of a run by `lines.write`, with its answers."""
    models = {"mtl": "mtl", "mtl_reset": "mtl_reset"}
    of = lineage.lineage(models, {"mtl": "base/micro", "mtl_reset": "mtl"}, list(models))
    return page_of(root, list(models), [("mtl_reset", "mtl")], content(root), Run(FACTS, of))
