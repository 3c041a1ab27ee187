"""Make a scale of a user's answers: conf/scale/own.yaml with other rows, a model of conf/models, and judges of conf/.

A scale that is added to `own` would keep its rows, since Hydra merges tables. So the new one is a file of its own, in
which everything stands that decides the run, with the comments of the files it is made of.
"""

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

from reset.errors import ResetError
from reset.scales import judges
from reset.scales.answers import TOY, Answers, Data, engine
from reset.scales.parts import Parts, flow, hub_row

ROWS = {False: 100, True: 500}  # prompts of each data set, on a CPU and on GPUs; the paper's are 1,000 and 2,000
ORDER = (
    *("scale", "template", "datasets", "screen", "mixtures", "prompts", "base", "describe", "recipes", "systems"),
    *("train", "decode", "pools", "sample", "cluster", "judges", "stand_ins", "watchers", "objectives", "curated"),
    *("evaluate", "report"),
)
HEAD = """\
# @package _global_
# Written by `reset-lm init` from conf/scale/own.yaml and conf/models/{models}.yaml; yours to edit (docs/your-data.md).
defaults:
  - _self_
"""


def text(answered: Answers, conf: Path) -> str:
    """Return the scale that the answers make, from the files of `conf`.

    Raises `ResetError` if a batch of the model's recipe cannot be shared by so many GPUs.
    """
    models = "tiny" if answered.model == TOY else "chat"
    parts = Parts(conf / "scale/own.yaml", conf / f"models/{models}.yaml")
    parts["scale"] = answered.name
    _datasets(parts, answered.data)
    _prompts(parts, answered.data, ROWS[answered.gpus > 0])
    _model(parts, answered.model)
    _machine(parts, answered, conf)
    judges.add(parts, answered, conf)
    return HEAD.format(models=models) + parts.written(ORDER)


def _datasets(parts: Parts, data: Sequence[Data]) -> None:
    like = parts["datasets"]["chat"]
    parts["datasets"] = {}
    for one in data:
        row = deepcopy(like)
        row["path"] = one.look.path
        row["options"]["task"] = one.columns.task
        row["options"]["fields"] = flow(dict(one.columns.fields))
        if not one.drawn:
            row["shares"] = None
            row["dev_from_train"] = 0.05 if "train" in one.splits and "dev" not in one.splits else None
        parts["datasets"][one.look.name] = row


def _prompts(parts: Parts, data: Sequence[Data], rows: int) -> None:
    """Set what is trained on, what is answered, and under which heading a data set is scored."""
    trained = {one.look.name: [one.look.name] for one in data if one.trained}
    parts["mixtures"]["mtl"]["parts"] = flow({name: flow(names) for name, names in trained.items()})
    for prompts in parts["prompts"].values():
        names = [one.look.name for one in data if prompts["split"] in one.splits]
        prompts["rows"] = flow(dict.fromkeys(names, rows))
    parts["evaluate"]["groups"] = flow({one.look.name: _group(one) for one in data if "test" in one.splits})


def _group(one: Data) -> str:
    return "instruction" if not one.context else "seen" if one.trained else "unseen"


def _model(parts: Parts, model: str) -> None:
    if model == TOY:
        parts["base"].pop("micro_nli")
        for name in [*parts["recipes"]]:
            if name not in ("full", "continued"):
                parts["recipes"].pop(name)
        return
    parts["base"]["chat"] = hub_row(model)
    chosen = parts["curated"]["reset"]
    chosen["truncated"], chosen["looping"] = "drop", "drop"


def _machine(parts: Parts, answered: Answers, conf: Path) -> None:
    """Set the engine, and for several GPUs what spreads training and answering over them."""
    parts["sample"]["engine"] = engine(answered)
    if answered.gpus < 2:
        return
    full = parts["recipes"]["full"]
    if full["batch_size"] % answered.gpus:
        raise ResetError(f"A batch of {full['batch_size']} rows cannot be shared by {answered.gpus} GPUs equally")
    full["micro_batch_size"], full["zero_stage"] = full["batch_size"] // answered.gpus, 2
    parts["train"]["processes"] = answered.gpus
    parts["cluster"] = Parts(conf / "scale/paper.yaml")["cluster"]
