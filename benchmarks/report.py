"""The page at 10,000 prompts: its size, how soon it shows words, how fast its list filters by words of all texts.

Tables of made-up words, four systems, every answer judged; headless Chromium opens the page from disk. The figures are
medians of several loads and of several searches, each timed inside the browser.
"""

import json
import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from benchmarks.result import check, publish
from reset.files import schemas, tables
from reset.files.metrics import Metrics
from reset.objectives import Objective, Speaker
from reset.report import browser, measured, page
from reset.report.story import Run
from tests.support.browser import chromium

SYSTEMS = ("if_cd", "mtl", "mtl_reset", "mtl_reset_s")
OBJECTIVES = {
    name: Objective({"abstractive_qa": Speaker((verdict,))})
    for name, verdict in (("faithfulness", "summac"), ("task", "rouge_l"))
}
PAIR = tuple(OBJECTIVES)
PAINT = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
FILTER = """
const [word, done] = arguments, field = document.getElementById("find");
delete document.body.dataset.filtered;
const started = performance.now();
field.value = word; field.dispatchEvent(new Event("input"));
(function look() {
  if (document.body.dataset.filtered) done([performance.now() - started, Number(document.body.dataset.filtered)]);
  else requestAnimationFrame(look);
})();
"""


def text(draw: random.Random, words: int) -> str:
    """Words whose frequencies fall as in a language, so that they pack about as well."""
    return " ".join(
        f"{'kastelimo'[n % 5 :]}{n:x}" for n in (int(draw.paretovariate(0.6)) % 30_000 for _ in range(words))
    )


def write(root: Path, prompts: int) -> browser.Shelf:
    """Tables of a test run: `prompts` questions with a passage of 100 words and an answer of 30 from each system."""
    draw = random.Random(0)
    ids = [f"ms_marco/test/{number}" for number in range(prompts)]
    same = {"dataset": "ms_marco", "task": "abstractive_qa"}
    tables.write(
        root / "prompts.parquet",
        schemas.EXAMPLES,
        (
            {**same, "example_id": one, "split": "test", "instruction": "Answer the question.", "checks": None}
            | {"question": text(draw, 9), "passages": [text(draw, 100)], "references": [text(draw, 20)]}
            for one in ids
        ),
    )
    for system in SYSTEMS:
        answers = [
            {**same, "answer_id": f"{one}|t0.0|0", "example_id": one, "system": system, "setting": "t0.0", "sweep": 0}
            | {"temperature": 0.0, "top_k": 0, "seed": 0, "text": text(draw, 30), "tokens": 40}
            | {"finish_reason": "stop", "mean_logprob": -0.3}
            for one in ids
        ]
        tables.write(root / f"answers/{system}.parquet", schemas.ANSWERS, answers)
        tables.write(root / f"verdicts/{system}/summac.parquet", schemas.VERDICTS, verdicts(draw, answers))
    return browser.Shelf("test", root / "prompts.parquet", {s: root / f"answers/{s}.parquet" for s in SYSTEMS}, {})


def verdicts(draw: random.Random, answers: list[tables.Row]) -> Iterator[tables.Row]:
    """One verdict per answer, with two sentences of evidence."""
    for answer in answers:
        half = len(answer["text"]) // 2
        parts = [answer["text"][:half], answer["text"][half:]]
        detail = [{"sentence": one, "source": text(draw, 12), "entailment": draw.random()} for one in parts]
        said = {"answer_id": answer["answer_id"], "name": "summac", "score": draw.random(), "reason": None}
        yield {**said, "detail": json.dumps({"sentences": detail})}


def timed(path: Path, loads: int) -> dict[str, float]:
    """Medians in milliseconds: first paint, until the browser of answers is ready, and of a search.

    The first search reads all texts, so it is timed by itself.
    """
    paints, ready, first, searches, inside = [], [], [], [], []
    for _ in range(loads):
        with chromium() as opened:
            opened.get(path.as_uri())
            while not (paint := opened.execute_script(PAINT)) or not opened.execute_script(
                "return document.body.dataset.ready"
            ):
                time.sleep(0.02)
            paints.append(paint)
            ready.append(opened.execute_script("return performance.now()"))
            first.append(opened.execute_async_script(FILTER, "kas")[0])
            for word in ("kastelimo1", "limo", "99", "test/42", "kas elimo", ""):
                whole, own = opened.execute_async_script(FILTER, word)
                searches.append(whole)
                inside.append(own)
    return {
        "first_paint_ms": round(statistics.median(paints), 1),
        "ready_ms": round(statistics.median(ready), 1),
        "first_search_ms": round(statistics.median(first), 1),
        "filter_ms": round(max(inside), 1),
        "key_to_list_ms": round(statistics.median(searches), 1),
    }


def measure(prompts: int, loads: int) -> dict[str, Any]:
    """Write the tables and the page, then open it."""
    with TemporaryDirectory() as scratch:
        root = Path(scratch)
        shelf = write(root, prompts)
        started = time.perf_counter()
        of = {"objectives": OBJECTIVES, "tradeoff": PAIR}
        content = browser.content([shelf], verdicts=root / "verdicts", max_bytes=20_000_000, **of)
        rows = measured.gather(
            metrics=Metrics(root / "metrics", "report", {}),
            scores=root / "scores",
            systems=[],
            **of,
            paper_rows={},
            pairs=(),
            pipelines={},
            stand_ins=(),
            points=(),
            continued=(),
            verified={},
            rated_by={},
            **{"resamples": 100, "seed": 0, "much_longer": 10, "similar": 10, "similar_on": None, "seeds": ()},
        )
        page.write(root / "out", rows, content, Run())
        written = time.perf_counter() - started
        path = root / "out/index.html"
        size = path.stat().st_size / 1e6
        figures = {"prompts": len(content.index), "page_mb": round(size, 2), "write_s": round(written, 1)}
        return figures | timed(path, loads)


@click.command()
@click.option("--quick", is_flag=True, help="One load instead of five.")
def main(quick: bool) -> None:
    """Measure the page at 10,000 prompts."""
    figures = measure(10_000, 1 if quick else 5)
    checks = [
        check("prompts in the page", figures["prompts"], ">= 10000"),
        check("megabytes of the page", figures["page_mb"], "< 25"),
        check("first paint, ms", figures["first_paint_ms"], "< 2000"),
        check("first search, ms", figures["first_search_ms"], "< 5000"),
        check("filter, ms", figures["filter_ms"], "< 200"),
    ]
    for key, value in figures.items():
        click.echo(f"{key:<16}{value}")
    publish("report", checks, libraries=["selenium"], quick=quick, figures=figures)


if __name__ == "__main__":
    main()
