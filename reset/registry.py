"""Plug-ins: tables from name to "module:Class". They are imported when used: importing `reset` loads no engine."""

import inspect
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from reset.errors import ResetError, nearest

SOURCES: dict[str, str] = {
    "micro": "reset.sources.micro:Micro",
    "dolly": "reset.sources.dolly:Dolly",
    "sharegpt": "reset.sources.sharegpt:ShareGPT",
    "self_instruct": "reset.sources.self_instruct:SelfInstruct",
    "oasst1": "reset.sources.oasst1:Oasst1",
    "alpaca": "reset.sources.alpaca:Alpaca",
    "vicuna_eval": "reset.sources.vicuna_eval:VicunaEval",
    "koala_eval": "reset.sources.koala_eval:KoalaEval",
    "nq": "reset.sources.nq:NaturalQuestions",
    "cnn_dailymail": "reset.sources.cnn_dailymail:CnnDailyMail",
    "ms_marco": "reset.sources.ms_marco:MsMarco",
    "clapnq": "reset.sources.clapnq:ClapNq",
    "bioasq": "reset.sources.bioasq:BioAsq",
    "searchqa": "reset.sources.searchqa:SearchQa",
    "mrqa": "reset.sources.mrqa:Mrqa",
    "wikisum": "reset.sources.wikisum:WikiSum",
    "own": "reset.sources.own:Own",
}

ENGINES: dict[str, str] = {
    "transformers": "reset.engines.transformers.engine:TransformersEngine",
    "vllm": "reset.engines.vllm.engine:VllmEngine",
    "openai": "reset.engines.openai.engine:OpenAIEngine",
}

JUDGES: dict[str, str] = {
    "lexical": "reset.judges.lexical:Lexical",
    "summac": "reset.judges.summac:SummaC",
    "minicheck": "reset.judges.minicheck:MiniCheck",
    "reward": "reset.judges.reward:Reward",
    "llm": "reset.judges.llm:LlmRater",
    "rubric": "reset.judges.rubric:Rubric",
    "reference": "reset.judges.reference:Reference",
    "openai": "reset.judges.openai:OpenAIRater",
}

BASES: dict[str, str] = {
    "hub": "reset.bases.hub:HubModel",
    "micro_lm": "reset.bases.micro_lm:MicroModel",
    "micro_nli": "reset.bases.micro_nli:MicroNli",
}

METHODS: dict[str, str] = {
    "sft": "reset.training.sft:supervised",
    "weighted_sft": "reset.training.preferences:weighted_sft",
    "dpo": "reset.training.preferences:dpo",
    "kto": "reset.training.preferences:kto",
}


def load(table: Mapping[str, str], name: str, kind: str) -> Any:
    """Import the plug-in `name` of `table`; an error message calls it a `kind`."""
    return getattr(import_module(module(table, name, kind)), table[name].partition(":")[2])


def module(table: Mapping[str, str], name: str, kind: str) -> str:
    """Return the module of the plug-in `name`, such as "reset.judges.lexical"; an error message calls it a `kind`."""
    if name not in table:
        raise ResetError(f"Unknown {kind} '{name}'. {nearest(name, table)}")
    return table[name].partition(":")[0]


def build(table: Mapping[str, str], name: str, where: str, /, **options: Any) -> Any:
    """Construct the plug-in `name` with `options`, which are checked against the types of its constructor.

    `where` is their place in params.yaml. Raises `ResetError` as `require` does.
    """
    require(table, name, where, **options)
    return load(table, name, where)(**options)


def require(table: Mapping[str, str], name: str, where: str, /, **options: Any) -> None:
    """Check `options` against what the constructor of the plug-in `name` takes, without constructing it.

    `where` is the options' place in params.yaml. Raises `ResetError` for a key that the constructor does not take, for
    one that is missing, and for a value of another type.
    """
    parameters = inspect.signature(load(table, name, where), eval_str=True).parameters
    for key in options:
        if key not in parameters:
            raise ResetError(f"params.yaml: unknown key '{where}.{key}'. {nearest(key, parameters)}")
    lacking = [key for key, one in parameters.items() if one.default is one.empty and key not in options]
    if lacking:
        raise ResetError(f"params.yaml: {where} lacks {', '.join(lacking)}")
    for key, value in options.items():
        _check_type(value, parameters[key].annotation, f"{where}.{key}")


def _check_type(value: Any, annotation: Any, key: str) -> None:
    from pydantic import ConfigDict, TypeAdapter, ValidationError  # not for those that only look up a name

    if annotation is inspect.Parameter.empty or annotation is Path:
        return
    try:
        TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True)).validate_python(value, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join([key, *map(str, first["loc"])])
        raise ResetError(f"params.yaml: {place}: {first['msg']} (it is {first['input']!r})") from error
