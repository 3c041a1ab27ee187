"""What runs on real text showed, without any text of the records: docs/real_text.json.

    python -m benchmarks.real_text RUN RUN > docs/real_text.json

A run is a folder with everything that `dvc repro` wrote, of one composition with several seeds. The file holds what
`reset-lm seeds --json` says of them, and why choosing brought what it did: how alike the candidates of a prompt are,
the scores of a random and of the best one, how long the chosen answers are, and what watcher `second` said. `--stages`
adds what stages took: lines of JSON with `stage`, `args`, `wall_s`, `cpu_s` and `peak_bytes`.
"""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import Any

import click
import pyarrow.parquet as pq
import yaml

from benchmarks import real_text_watcher
from benchmarks.result import digits
from reset.files import schemas, tables
from reset.judges.rouge import rouge_l

ROOT = Path(__file__).parents[1]
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
POOL = "mtl_candidates"
WATCHER = "second"
LONG = ("abstractive_qa", "summarization")
SCORES = ("faithfulness", "copied", "instruction", "task")


def alike(run: Path) -> dict[str, dict[str, float]]:
    """Per data set, over the pairs of answers to a prompt: the share of equal texts, and the mean ROUGE-L."""
    texts: dict[str, list[str]] = defaultdict(list)
    for row in tables.read(run / f"data/answers/{POOL}.parquet", schemas.ANSWERS):
        texts[row["example_id"]].append(row["text"])
    pairs: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, answers in texts.items():
        pairs[name.split("/")[0]] += combinations(answers, 2)
    return {
        dataset: {
            "equal": fmean(one == other for one, other in found),
            "rouge_l": fmean(float(one == other) or rouge_l(one, [other]) or 0.0 for one, other in found),
        }
        for dataset, found in pairs.items()
    }


def choice(run: Path) -> dict[str, dict[str, float]]:
    """Per data set: the score of a random and of the best candidate, and how many prompts leave a choice."""
    figures = _json(run / "metrics/select/reset.json")["datasets"]
    names = {"random": "candidate_score", "best": "winner_score", "distinct": "distinct_texts"}
    names |= {"matters": "choice_matters"}
    return {dataset: {ours: row[key] for ours, key in names.items()} for dataset, row in figures.items()}


def winners(run: Path) -> dict[str, dict[str, float]]:
    """Per task, the mean of each verdict over all candidates and over the chosen ones; length is in words."""
    found = {}
    for task, judged in _json(run / "metrics/select/reset.json")["judges"].items():
        for verdict, means in judged["means"].items():
            found[f"{task}/{verdict}"] = {"pool": means["pool"], "winners": means["winners"]}
    return found


def systems(run: Path) -> dict[str, dict[str, float]]:
    """Per system and data set, the mean scores and the tokens of an answer."""
    found = {}
    for system, figures in _metrics(run, "systems").items():
        for dataset, row in figures["datasets"].items():
            means = {name: row["scores"][name]["mean"] for name in SCORES if name in row["scores"]}
            found[f"{system}/{dataset}"] = {**means, "tokens": row["tokens"], "n": row["n"]}
    return found


def trained(run: Path) -> dict[str, dict[str, float]]:
    """Per system: rows, tokens, steps, and the perplexity of the dev rows."""
    keys = ("rows_out", "tokens", "steps", "dev_perplexity")
    return {name: {key: row[key] for key in keys if key in row} for name, row in _metrics(run, "train").items()}


def sampled(run: Path) -> dict[str, dict[str, float]]:
    """Per pool: answers, tokens, and the share of answers that were cut off."""
    found = {}
    for pool, row in _metrics(run, "sample").items():
        cut = row["finished"].get("length", 0) / sum(row["finished"].values())
        found[pool] = {"answers": row["rows_out"], "tokens": row["tokens"], "cut": cut}
    return found


def ended(run: Path) -> dict[str, dict[str, float]]:
    """Faithfulness of longer answers per system: where `mtl` ended its answer to the prompt, and where it did not."""
    reasons = {
        row["example_id"]: "ended" if row["finish_reason"] == "stop" else "cut"
        for row in tables.read(run / "data/answers/mtl.parquet", schemas.ANSWERS)
    }
    found = {}
    for path in sorted((run / "data/scores").glob("*.parquet")):
        scores: dict[str, list[float]] = defaultdict(list)
        for row in pq.read_table(path).to_pylist():
            if row["objective"] == "faithfulness" and row["task"] in LONG and row["score"] is not None:
                scores[reasons[row["example_id"]]].append(row["score"])
        found[path.stem] = {f"{how}_{key}": one for how, all in scores.items() for key, one in _two(all).items()}
    return found


def _two(scores: Sequence[float]) -> dict[str, float]:
    return {"prompts": len(scores), "faithfulness": fmean(scores)}


PARTS = {"alike": alike, "choice": choice, "winners": winners, "systems": systems}
PARTS |= {"ended": ended, "trained": trained, "sampled": sampled}


def means(runs: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """The mean over runs of each figure that all of them have."""
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for name, row in (entry for run in runs for entry in run.items()):
        for key, value in row.items():
            values[name][key] += [] if value is None else [value]
    return {
        name: {key: digits(fmean(found)) for key, found in row.items() if len(found) == len(runs)}
        for name, row in values.items()
    }


def costs(lines: Sequence[str]) -> dict[str, dict[str, float]]:
    """Per kind of stage: how many ran, wall and processor seconds of all, and the peak memory of the largest."""
    kinds = defaultdict(list)
    for line in lines:
        row = json.loads(line)
        kinds[row["stage"].removeprefix("stages.")].append(row)
    return {
        kind: {
            "stages": len(rows),
            **{key: digits(sum(row[key] for row in rows)) for key in ("wall_s", "cpu_s")},
            "peak_bytes": max(row["peak_bytes"] for row in rows),
        }
        for kind, rows in sorted(kinds.items())
    }


def _metrics(run: Path, folder: str) -> dict[str, dict[str, Any]]:
    """The metrics of the run's own scale, by name; what another scale has left in the folder is left out."""
    scale = yaml.safe_load((run / "params.yaml").read_text(encoding="utf-8"))["scale"]
    paths = sorted((run / "metrics" / folder).glob("*.json"))
    rows = {path.stem: _json(path) for path in paths if not path.stem.endswith("_log")}
    return {name: row for name, row in rows.items() if row["scale"] == scale}


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@click.command()
@click.argument("runs", nargs=-1, required=True, type=FOLDER)
@click.option("--stages", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="What the stages took.")
def main(runs: tuple[Path, ...], stages: Path | None) -> None:
    """Gather the figures of RUNS."""
    command = [sys.executable, "-m", "reset.cli.main", "seeds", *map(str, runs), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    content = {"seeds": json.loads(done.stdout.replace(f"{runs[0].parent}/", ""))}
    content |= {name: means([part(run) for run in runs]) for name, part in PARTS.items()}
    pairs = [(row["system"], row["against"]) for row in content["seeds"]["differences"]]
    if all((run / f"metrics/watch/{WATCHER}.json").is_file() for run in runs):
        content["watched"] = real_text_watcher.gather(runs, WATCHER, pairs)
    if stages:
        content["costs"] = costs(stages.read_text(encoding="utf-8").splitlines())
    click.echo(json.dumps(content, indent=2))


if __name__ == "__main__":
    main()
