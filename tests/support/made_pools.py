"""Judged pools with made scores, of every task: candidates with ties, nulls and cut-off answers, and three systems."""

import random
from pathlib import Path
from typing import Any

from reset.files import schemas, tables

TASKS = {
    **{"nq": "extractive_qa", "bioasq": "extractive_qa", "ms_marco": "abstractive_qa"},
    **{"wikisum": "summarization", "alpaca": "instruction"},
}
GROUPS = {"nq": "seen", "bioasq": "unseen", "ms_marco": "seen", "wikisum": "unseen", "alpaca": "instruction"}
JUDGES = {  # judge -> task -> its verdicts
    "lexical": {
        "extractive_qa": ("exact_match", "span_coverage", "unigram_coverage"),
        "abstractive_qa": ("rouge_l", "unigram_coverage"),
        "summarization": ("rouge_l", "unigram_coverage"),
    },
    "summac": {"abstractive_qa": ("summac",), "summarization": ("summac",)},
    "rater": {"abstractive_qa": ("oracle",), "summarization": ("oracle",), "instruction": ("rating", "rating_weak")},
}
SETTINGS = ("t0.1", "t0.5", "t0.7", "k5", "k50")
PROMPTS = 14  # of each data set


def example(dataset: str, split: str, number: int) -> tables.Row:
    task = TASKS[dataset]
    return {
        **{"example_id": f"{dataset}/{split}/{number}", "dataset": dataset, "split": split, "task": task},
        **{"instruction": "Do it.", "question": f"What is thing {number}?" if task.endswith("qa") else ""},
        **{"passages": [] if task == "instruction" else [f"Thing {number} is blue."], "checks": None},
        "references": [f"thing {number} is blue"],
    }


def answer(row: tables.Row, system: str, setting: str, sweep: int, rng: random.Random) -> tables.Row:
    text = " ".join(rng.choices(("thing", "is", "blue", "in", "a", "hall"), k=rng.randint(2, 9)))
    return {
        **{key: row[key] for key in ("example_id", "dataset", "task")},
        **{"answer_id": f"{row['example_id']}|{setting}|{sweep}", "system": system, "setting": setting, "sweep": sweep},
        **{"temperature": 0.1, "top_k": 0, "seed": 0, "text": text, "tokens": len(text.split()) + 1},
        **{"finish_reason": rng.choices(("stop", "length"), (9, 1))[0], "mean_logprob": -0.5},
    }


def verdict(answer_id: str, name: str, rng: random.Random, lift: float) -> tables.Row:
    score: Any = round(min(1.0, rng.random() * (1 - lift) + lift), 1 if name.startswith("rating") else 3)
    if name in ("exact_match", "span_coverage"):
        score = float(rng.random() < 0.4 + lift)
    null = rng.random() < 0.03
    return {
        **{"answer_id": answer_id, "name": name, "score": None if null else score},
        **{"reason": "could not tell" if null else None, "detail": None},
    }


def pool(root: Path, name: str, answers: list[tables.Row], rng: random.Random, lift: float = 0.0) -> None:
    """Write answers and verdicts of one pool; `lift` raises all scores."""
    tables.write(root / f"data/answers/{name}.parquet", schemas.ANSWERS, answers)
    for judge, by_task in JUDGES.items():
        rows = [verdict(a["answer_id"], v, rng, lift) for a in answers for v in by_task.get(a["task"], ())]
        tables.write(root / f"data/verdicts/{name}/{judge}.parquet", schemas.VERDICTS, rows)


def write(root: Path, systems: tuple[str, ...] = ("mtl", "mtl_reset", "mtl_reset_50")) -> Path:
    """Write prompts, pools and verdicts under `root`/data: `mtl_candidates` in two sweeps, and the test pools."""
    rng = random.Random(7)
    for name, split in (("candidates", "train"), ("test", "test")):
        rows = [example(dataset, split, number) for dataset in TASKS for number in range(PROMPTS)]
        tables.write(root / f"data/prompts/{name}.parquet", schemas.EXAMPLES, rows)
    trained = tables.read(root / "data/prompts/candidates.parquet", schemas.EXAMPLES)
    candidates = [answer(row, "mtl", s, sweep, rng) for row in trained for sweep in (0, 1) for s in SETTINGS]
    pool(root, "mtl_candidates", candidates, rng)
    tested = list(tables.read(root / "data/prompts/test.parquet", schemas.EXAMPLES))
    for place, system in enumerate(systems):
        pool(root, system, [answer(row, system, "t0.0", 0, rng) for row in tested], rng, 0.2 * place)
    return root


def verdict_files(root: Path, name: str) -> list[Path]:
    return [root / f"data/verdicts/{name}/{judge}.parquet" for judge in JUDGES]
