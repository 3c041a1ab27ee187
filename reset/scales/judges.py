"""The judges of a new scale, and which of their verdicts speak for its objectives."""

from collections.abc import Sequence
from pathlib import Path

from reset.judges.verdict_names import ABSTRACTIVE
from reset.scales.answers import Answers, Judge
from reset.scales.parts import Parts, flow, hub_row

REWARDS = {False: "scale/laptop.yaml", True: "scale/gpu.yaml"}  # the reward model's row, on a CPU and on GPUs
STAND_IN = "rater"


def add(parts: Parts, answered: Answers, conf: Path) -> None:
    """Put the judges into `parts`; those of the model's file that they replace are taken out, and so are stand-ins."""
    rated = any(one.kind in ("reward", "llm") for one in answered.judges)
    stand_in = not rated and any(not one.context for one in answered.data)
    parts["judges"].pop("summac", None)
    if not stand_in:
        parts["judges"].pop(STAND_IN)
    parts["stand_ins"] = flow([STAND_IN] if stand_in else [])
    for judge in answered.judges:
        {"nli": _nli, "reward": _reward, "llm": _llm}[judge.kind](parts, judge, conf, answered.gpus > 0)
    _objectives(parts, {one.columns.task for one in answered.data}, [one.kind for one in answered.judges])


def _nli(parts: Parts, judge: Judge, conf: Path, gpu: bool) -> None:
    """Add SummaC with the usual model or another, whose labels are then found by their names."""
    usual = Parts(conf / "nli/deberta.yaml")
    row = usual["judges"]["summac"]
    row["options"]["dtype"] = "bfloat16" if gpu else "float32"
    parts["base"]["nli"] = hub_row(judge.model) if judge.model else usual["base"]["nli"]
    if judge.model:
        row["options"].pop("labels")
    parts["judges"]["summac"] = row


def _reward(parts: Parts, judge: Judge, conf: Path, gpu: bool) -> None:
    """Add a reward model, whose verdict takes the place of a rating."""
    usual = Parts(conf / REWARDS[gpu])
    parts["base"]["reward"] = hub_row(judge.model) if judge.model else usual["base"]["reward"]
    parts["judges"]["reward"] = usual["judges"]["reward"]
    parts["curated"]["reset"]["rating"] = "reward"


def _llm(parts: Parts, judge: Judge, conf: Path, _: bool) -> None:
    """Add a language model behind a server, without the paper's second, weaker one."""
    row = Parts(conf / "raters/open.yaml")["judges"]["rater"]
    row["options"].update({"weak_model": None, "weak_server": None})
    if judge.model:
        row["options"]["model"] = judge.model
    if judge.url:
        row["options"]["server"]["base_url"] = judge.url
    parts["judges"]["rater"] = row


def _objectives(parts: Parts, tasks: set[str], kinds: Sequence[str]) -> None:
    """Leave out tasks that the data do not have; an objective without any goes, and the plane shows those left."""
    table = parts["objectives"]
    if "nli" in kinds:
        table["faithfulness"]["verdicts"].update(dict.fromkeys(ABSTRACTIVE, "summac"))
    if "reward" in kinds:
        table["instruction"]["verdicts"]["instruction"] = "reward"
    for name, row in [*table.items()]:
        row["verdicts"] = flow({task: verdict for task, verdict in row["verdicts"].items() if task in tasks})
        if not row["verdicts"]:
            table.pop(name)
    if "instruction" not in table:
        parts["report"]["tradeoff"] = flow(["faithfulness", "task"])
