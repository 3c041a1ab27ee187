"""A small finished run: examples, prompts, answers, verdicts, curated rows, scores, under the committed params.yaml."""

import json
import shutil
from pathlib import Path
from typing import Any

from reset.choosing import select
from reset.choosing.candidates import Bars
from reset.choosing.combining import Rule
from reset.choosing.curated_rows import Pick
from reset.files import schemas, tables
from reset.objectives import by_task
from reset.scoring import evaluate
from tests.support import ROOT
from tests.support.paper_objectives import OBJECTIVES

GROUPS = {"nq": "seen", "wikisum": "unseen", "alpaca": "instruction"}
TASKS = {"nq": "extractive_qa", "wikisum": "summarization", "alpaca": "instruction"}
HOSTILE = "<script>document.title = 'gone'</script> & <b>bold</b>"


def example(dataset: str, split: str, number: int) -> tables.Row:
    task = TASKS[dataset]
    return {
        "example_id": f"{dataset}/{split}/{number}",
        "dataset": dataset,
        "split": split,
        "task": task,
        "instruction": "Do it." if task != "instruction" else f"Write of thing {number}.",
        "question": f"What is thing {number}?" if task == "extractive_qa" else "",
        "passages": [] if task == "instruction" else [f"Thing {number} is blue. It stands in a hall."],
        "references": [f"thing {number} is blue"],
        "checks": None,
    }


def answer(row: tables.Row, system: str, setting: str, text: str) -> tables.Row:
    keys = ("example_id", "dataset", "task")
    return {
        **{key: row[key] for key in keys},
        **{"answer_id": f"{row['example_id']}|{setting}|0", "system": system, "setting": setting, "sweep": 0},
        **{"temperature": 0.1, "top_k": 0, "seed": 0, "text": text, "tokens": len(text.split()) + 1},
        **{"finish_reason": "stop", "mean_logprob": -0.5},
    }


def verdicts(row: tables.Row, score: float) -> dict[str, tables.Row]:
    """What each judge says, by its folder."""
    said: dict[str, Any] = {"reason": None, "detail": None, "answer_id": row["answer_id"]}
    if row["task"] == "instruction":
        return {"rater": {**said, "name": "rating", "score": round(score, 1), "reason": "names the thing"}}
    name = {key: own.verdicts[0] for key, own in by_task(OBJECTIVES)[row["task"]].items()}
    sentences = [{"sentence": row["text"], "source": "It stands in a hall.", "entailment": round(score, 3)}]
    faithful = {**said, "name": name["faithfulness"], "score": score}
    lexical = {**said, "name": name["task"], "score": score / 2}
    if name["faithfulness"] == "summac":
        return {"lexical": lexical, "summac": {**faithful, "detail": json.dumps({"sentences": sentences})}}
    return {"lexical": lexical, "lexical_2": faithful}


def pool(root: Path, name: str, answers: list[tuple[tables.Row, float]]) -> None:
    by_judge: dict[str, list[tables.Row]] = {"lexical": [], "summac": [], "rater": []}
    for row, score in answers:
        for judge, verdict in verdicts(row, score).items():
            by_judge[judge.removesuffix("_2")].append(verdict)
    tables.write(root / f"data/answers/{name}.parquet", schemas.ANSWERS, [row for row, _ in answers])
    for judge, rows in by_judge.items():
        tables.write(root / f"data/verdicts/{name}/{judge}.parquet", schemas.VERDICTS, rows)


def choose(root: Path, name: str, pick: Pick) -> None:
    """Make the curated rows `name` of the candidates."""
    account, figures = select.keep_best(
        root / "data/answers/mtl_candidates.parquet",
        [root / f"data/verdicts/mtl_candidates/{judge}.parquet" for judge in ("lexical", "summac", "rater")],
        root / "data/prompts/candidates.parquet",
        root / f"data/curated/{name}.parquet",
        objectives=OBJECTIVES,
        pick=pick,
        bars=Bars("keep", "keep"),
        rule=Rule(),
        **{"sweeps": 1, "share": 1.0, "seed": 0, "template": "micro", "rating": "rating"},
    )
    account.write(root / f"metrics/select/{name}.json", scale="micro", **figures)


def write(root: Path, *, best: str = "t0.1", gain: float = 0.3, prompts: int = 12) -> Path:
    """A run whose winners were sampled with setting `best`, and whose system mtl_reset is better by `gain`."""
    root.mkdir(exist_ok=True)
    shutil.copy(ROOT / "params.yaml", root)
    trained = [example(dataset, "train", number) for dataset in ("nq", "wikisum") for number in range(prompts)]
    tested = [example(dataset, "test", number) for dataset in TASKS for number in range(prompts)]
    for dataset in TASKS:
        for split, rows in (("train", trained), ("test", tested)):
            own = [row for row in rows if row["dataset"] == dataset]
            tables.write(root / f"data/examples/{dataset}/{split}.parquet", schemas.EXAMPLES, own)
        tables.write(root / f"data/examples/{dataset}/dev.parquet", schemas.EXAMPLES, [])
    tables.write(root / "data/prompts/test.parquet", schemas.EXAMPLES, tested)
    tables.write(root / "data/prompts/candidates.parquet", schemas.EXAMPLES, trained)
    sampled = [
        (answer(row, "mtl", setting, f"Said by {setting}: {HOSTILE}"), 0.9 if setting == best else 0.4)
        for row in trained
        for setting in ("t0.1", "k50")
    ]
    pool(root, "mtl_candidates", sampled)
    choose(root, "reset", "best")
    for system, level in {"mtl": 0.4, "mtl_reset": 0.4 + gain}.items():
        answers = [
            (answer(row, system, "t0.0", f"{system} on {row['example_id']}. {HOSTILE}"), level + (n % 5) / 50)
            for n, row in enumerate(tested)
        ]
        pool(root, system, answers)
        account, summary = evaluate.evaluate(
            root / f"data/answers/{system}.parquet",
            [root / f"data/verdicts/{system}/{judge}.parquet" for judge in ("lexical", "summac", "rater")],
            root / "data/prompts/test.parquet",
            root / f"data/scores/{system}.parquet",
            **{"objectives": OBJECTIVES, "groups": GROUPS, "bootstrap": 20, "seed": 0},
        )
        account.write(root / f"metrics/systems/{system}.json", scale="micro", **summary)
    return root
