"""A small metrics folder and scores with known figures, for the tests of the report and of `seeds`."""

import json
import random
from collections.abc import Sequence
from pathlib import Path

from reset.files import tables
from reset.files.metrics import Metrics
from reset.scoring import evaluate

SCALE = "micro"  # that of the committed params.yaml
TASKS = {
    "cnn_dailymail": ("summarization", "seen"),
    "ms_marco": ("abstractive_qa", "seen"),
    "wikisum": ("summarization", "unseen"),
    "nq": ("extractive_qa", "seen"),
    "searchqa": ("extractive_qa", "unseen"),
    "bioasq": ("extractive_qa", "unseen"),
    "alpaca": ("instruction", "instruction"),
}


def write(path: Path, figures: tables.Row) -> None:
    """Write figures as a stage does, with the name of their scale."""
    tables.write_json(path, {"scale": SCALE, **figures})


def metrics(root: Path) -> Metrics:
    """All metrics that the folder holds."""
    folder = root / "metrics"
    files = [path.relative_to(folder).with_suffix("") for path in sorted(folder.rglob("*.json"))]
    kinds = {file.parts[0] for file in files}
    rows = {kind: [str(f.relative_to(kind)) for f in files if f.parts[0] == kind] for kind in kinds}
    rows["train"] = [name for name in rows.get("train", ()) if not name.endswith("_log")]
    return Metrics(folder, SCALE, rows)


def add_system(
    root: Path,
    name: str,
    *,
    faithfulness: float,
    instruction: float,
    run: int = 0,
    prompts: int = 60,
    resting: Sequence[tuple[str, str]] = (),
) -> None:
    """Write the scores per prompt and the summary of a system whose means are near the given ones.

    The (task, objective) in `resting` rest on a stand-in.
    """
    rows = []
    for dataset, (task, group) in TASKS.items():
        level = instruction if task == "instruction" else faithfulness
        for number in range(prompts):
            noise = random.Random(f"{dataset}{number}").uniform(-0.2, 0.2)  # the prompt's, shared by all systems
            noise += random.Random(f"{dataset}{number}{name}{run}").uniform(-0.2, 0.2)
            score = None if number == 0 else min(1.0, max(0.0, level + noise))
            objective = "instruction" if task == "instruction" else "faithfulness"
            key = {"example_id": f"{dataset}/test/{number}", "dataset": dataset, "task": task, "group": group}
            rows.append({**key, "objective": objective, "score": score, "tokens": 20, "words": 15})
            rows[-1]["reference_words"] = number
    tables.write(root / f"data/scores/{name}.parquet", evaluate.SCORES, rows)
    summary = evaluate.summarise(rows, bootstrap=50, seed=0, resting=resting)
    account = {"rows_in": len(rows), "rows_out": len(rows), "set_aside": {}}
    write(root / f"metrics/systems/{name}.json", {**account, **summary})


def add_stages(root: Path) -> None:
    """Write metrics of stages before `evaluate`: accounts, a training log, what `select` says."""
    metrics = root / "metrics"
    write(metrics / "prepare/nq.json", {"rows_in": 10, "rows_out": 7, "set_aside": {"no <b>answer</b>": 3}})
    log = [{"step": step, "loss": 3 / step, "dev_loss": 3.2 / step if step % 4 == 0 else None} for step in range(1, 30)]
    for name in ("mtl", "mtl_reset"):
        write(metrics / f"train/{name}.json", {"rows_out": 1200, "steps": 29, "best_step": 28})
    (metrics / "train/mtl_log.json").write_text(json.dumps(log))
    (metrics / "train/mtl_reset_log.json").write_text(json.dumps(log[5:]))
    figures = {"rows": 5, "winner_score": 2.8, "candidate_score": 2.1, "distinct_texts": 6.5, "choice_matters": 0.9}
    account = {"rows_in": 12, "rows_out": 10, "set_aside": {"no answer can win": 2}}
    wins = {"t0.1": 3, "t0.7": 2, "k100": 1, "k5": 4}
    for name in ("reset", "reset_s"):
        picked = {"wins": wins, "datasets": {"nq": figures, "alpaca": figures}}
        write(metrics / f"select/{name}.json", {**account, **picked})
