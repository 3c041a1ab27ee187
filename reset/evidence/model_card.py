"""Write the model card of a system from the dvc.lock, metrics and documents of its run.

The front matter is the hub's (huggingface_hub's `ModelCardData`). Scores are those of exactly these weights, matched by
hash.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from reset.evidence import card_parts
from reset.evidence.card_parts import HUB_ID, PAPER
from reset.evidence.lineage import Step
from reset.evidence.revisions import Run
from reset.model.prompts import CHAT
from reset.report import words


def card(
    run: Run, system: str, steps: Sequence[Step], ran: Mapping[str, Step], *, template: str, template_agrees: bool
) -> str:
    """Return the README.md of `system`; `steps` is its lineage, `ran` all stages of dvc.lock."""
    pool = evaluated(run, system, steps[-1], ran)
    scores = run.figures(f"metrics/systems/{pool}.json") if pool else {}
    tested = _testing(pool, ran) if pool else []
    bases = {name: row for step in steps for name, row in step.rows("base").items()}
    data = card_parts.sources(run, steps, ran)
    front = _front(system, scores, data, [row for row in bases.values() if row["kind"] == "hub"])
    return card_parts.render(
        "model_card.md.j2",
        front=front,
        system=system,
        steps=steps,
        own_chat=template == CHAT,
        template_agrees=template_agrees,
        data=data,
        training=[_training(run, step) for step in steps if step.kind == "train"],
        means=[{"name": n, **row} for step in steps for n, row in step.rows("interpolated").items()],
        settings={title: list(card_parts.settings([*steps, *tested], *of)) for title, of in _SETTINGS.items()},
        pool=pool,
        scores=_scores(scores),
        against=_against(run, pool),
        choices=_choices(run),
    )


_SETTINGS = {  # heading -> (stages, tables of params.yaml that they used)
    "Starting models": (("base",), ("base",)),
    "Pools of answers": (("sample",), ("pools", "decode", "sample", "template", "template_options")),
    "Judges": (("identify",), ("judges",)),
    "Choice of answers": (("select",), ("curated", "select", "objectives", "stand_ins")),
}


def _testing(pool: str, ran: Mapping[str, Step]) -> list[Step]:
    """Return the stages that sampled and evaluated `pool`, and those that identified its judges."""
    judged = [step for step in ran.values() if step.kind == "judge" and step.stage.endswith(f"-{pool}")]
    judges = {path for step in judged for path in step.used}
    return [
        step
        for name, step in ran.items()
        if name in (f"sample@{pool}", f"evaluate@{pool}") or (step.kind == "identify" and judges & step.made.keys())
    ]


def evaluated(run: Run, system: str, trained: Step, ran: Mapping[str, Step]) -> str | None:
    """Return the evaluated pool sampled from exactly the weights that `trained` made; None if there is none."""
    made = f"models/{system}"
    for name, step in ran.items():
        pool = name.removeprefix("sample@")
        if name != pool and step.used.get(made) == trained.made[made] and f"evaluate@{pool}" in ran:
            answers = f"data/answers/{pool}.parquet"
            if ran[f"evaluate@{pool}"].used.get(answers) == step.made.get(answers):
                return pool
    return None


def _front(
    system: str, scores: Mapping[str, Any], data: Sequence[Mapping[str, str]], hub: Sequence[Mapping[str, Any]]
) -> str:
    licences = {row["licence"] for row in data}
    apache = not hub and licences == {"Apache-2.0"}
    ids = [row["options"]["id"] for row in hub if HUB_ID.fullmatch(row["options"]["id"])]
    results = [
        EvalResult(
            task_type="text-generation",
            dataset_type=dataset,
            dataset_name=dataset,
            dataset_split="test",
            metric_type=name,
            metric_name=f"{name}, 95 % interval {words.interval(figures)}",
            metric_value=figures["mean"],
        )
        for dataset, row in scores.get("datasets", {}).items()
        for name, figures in row["scores"].items()
        if figures["mean"] is not None and not figures.get("stand_in")
    ]
    content = ModelCardData(
        license="apache-2.0" if apache else "other",
        license_name=None if apache else "those-of-the-base-model-and-of-the-data",
        base_model=ids or None,
        datasets=card_parts.hub_ids(data) or None,
        library_name="transformers",
        pipeline_tag="text-generation",
        tags=["reset-lm", "rejection-sampling", "faithfulness", f"arxiv:{PAPER}"],
        model_name=system,
        eval_results=results or None,
    )
    return str(content.to_yaml())


def _training(run: Run, step: Step) -> dict[str, Any]:
    ((name, row),) = step.rows("systems").items()
    (recipe,) = step.rows("recipes").values()
    others = {key: step.params[key] for key in ("train.max_tokens", "seed") if key in step.params}
    return {"name": name, **row, "record": {**recipe, **others, **run.figures(f"metrics/train/{name}.json")}}


def _scores(scores: Mapping[str, Any]) -> list[list[str]]:
    """Rows of data set, score, n, mean and interval; macro averages first."""
    rows = [
        [f"macro average of {figures['datasets']}", name, "", words.mean(figures), words.interval(figures)]
        for name, figures in scores.get("macro", {}).items()
    ]
    return rows + [
        [dataset, name, str(row["n"]), words.mean(figures), words.interval(figures)]
        for dataset, row in scores.get("datasets", {}).items()
        for name, figures in row["scores"].items()
    ]


def _against(run: Run, pool: str | None) -> list[list[str]]:
    """The report's paired differences of this system minus another."""
    path = run.path("metrics/report/differences.json")
    pairs = json.loads(path.read_text(encoding="utf-8")) if path and pool else []
    return [
        [
            *(pair["against"], measure, words.signed(figures), words.interval(figures) or words.unknown(figures)),
            words.p_value(figures.get("p_holm")),
        ]
        for pair in pairs
        if pair["system"] == pool
        for measure, figures in pair["measures"].items()
    ]


def _choices(run: Run) -> dict[str, list[str]]:
    """The headings of docs/choices.md with the titles of their entries."""
    path = run.path("docs/choices.md")
    by_heading: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path else ():
        if line.startswith("## "):
            by_heading[line.removeprefix("## ")] = []
        elif by_heading and (entry := re.match(r"(?:- )?\*\*([^*]+?)\.?\*\*", line)):
            list(by_heading.values())[-1].append(entry[1])
    return {heading: entries for heading, entries in by_heading.items() if entries}
