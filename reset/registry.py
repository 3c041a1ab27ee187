"""Plug-ins: tables from name to "module:Class". They are imported when used: importing `reset` loads no engine."""

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

from reset.errors import ResetError, nearest, shown

SOURCES: dict[str, str] = {
    "micro": "reset.sources.micro:Micro",
    "dolly": "reset.sources.dolly:Dolly",
    "sharegpt": "reset.sources.sharegpt:ShareGPT",
    "self_instruct": "reset.sources.self_instruct:SelfInstruct",
    "oasst1": "reset.sources.oasst1:Oasst1",
    "alpaca": "reset.sources.alpaca:Alpaca",
    "vicuna_eval": "reset.sources.vicuna_eval:VicunaEval",
    "koala_eval": "reset.sources.koala_eval:KoalaEval",
    "ifeval": "reset.sources.ifeval:IfEval",
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
    "claims": "reset.judges.claims:Claims",
    "reward": "reset.judges.reward:Reward",
    "llm": "reset.judges.llm:LlmRater",
    "abstention": "reset.judges.abstention:Abstention",
    "self_consistency": "reset.judges.self_consistency:SelfConsistency",
    "verifiable": "reset.judges.verifiable:Verifiable",
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
    if table is JUDGES and is_own(name):
        return own(name)
    return getattr(import_module(module(table, name, kind)), table[name].partition(":")[2])


def module(table: Mapping[str, str], name: str, kind: str) -> str:
    """Return the module of the plug-in `name`, such as "reset.judges.lexical"; an error message calls it a `kind`."""
    if table is JUDGES and is_own(name):
        return name.partition(":")[0]
    if name not in table:
        raise ResetError(f"Unknown {kind} '{name}'. {nearest(name, table)}")
    return table[name].partition(":")[0]


def is_own(kind: str) -> bool:
    """Whether a kind of judge is a class of the user's own, "module:Class"."""
    return ":" in kind


def own(kind: str) -> Any:
    """Import a judge of the user's own, "module:Class", from the working folder or an installed package.

    Raises `ResetError` if it cannot be imported, or is no class with `tasks` and a method `verdicts`.
    """
    place, _, name = kind.partition(":")
    if not all(part.isidentifier() for part in [*place.split("."), name]):
        raise ResetError(f"class '{kind}' must be written module:Class, such as brief:Brief or folder.brief:Brief")
    if str(Path.cwd()) not in sys.path:  # a command, unlike `python -m`, does not look there
        sys.path.insert(0, str(Path.cwd()))
    try:
        found = import_module(place)
    except (Exception, SystemExit) as error:  # the user's code may raise anything
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise ResetError(f"class '{kind}': module '{place}' cannot be imported ({said})") from error
    plug_in = getattr(found, name, None)
    if not isinstance(plug_in, type):
        classes = [key for key, value in vars(found).items() if isinstance(value, type) and value.__module__ == place]
        raise ResetError(f"class '{kind}': module '{place}' has no class '{name}'. {nearest(name, classes)}")
    if not callable(getattr(plug_in, "verdicts", None)):
        raise ResetError(f"class '{kind}' lacks the method `verdicts`, which yields a Verdict for each answer")
    if not hasattr(plug_in, "tasks"):
        raise ResetError(f"class '{kind}' lacks `tasks`, the set of tasks whose answers it judges")
    return plug_in


def build(table: Mapping[str, str], name: str, where: str, /, **options: Any) -> Any:
    """Construct the plug-in `name` with `options`, which are checked against the types of its constructor.

    `where` is the options' place in params.yaml. A table of options whose type is a dataclass is made into one. Raises
    one `ResetError` with all `problems`; what the constructor itself raises says the full key.
    """
    if wrong := problems(table, name, where, **options):
        raise ResetError("params.yaml: " + "; ".join(wrong))
    try:
        return _constructed(load(table, name, where), options)
    except ResetError as error:
        raise ResetError(_with_place(error.message, where)) from error


def _with_place(message: str, where: str) -> str:
    """Write the place `where` for the `options` of a plug-in's message, which does not know its row.

    A source says `options.turns of oasst1`; a judge says its name, and that it stands in `judges`.
    """
    judge = where.replace("watchers.", "judges.", 1)
    named = message.replace(judge, where) if where.startswith("watchers.") else message
    return re.sub(r"(?<![\w.])options\.([\w.]+)(?: of a source| of \w+)?", lambda key: f"{where}.{key[1]}", named)


def _constructed(plugin: Any, options: dict[str, Any]) -> Any:
    parameters, options = _parameters(plugin), _taken(plugin, options)
    if model := _model(plugin):
        given, own_options = _parted(options)
        return plugin(**given, options=model.model_validate(own_options))
    return plugin(
        **{
            key: _made(value, parameters[key].annotation) if key in parameters else value
            for key, value in options.items()
        }
    )


def problems(table: Mapping[str, str], name: str, where: str, /, **options: Any) -> list[str]:
    """Return a line for each key that the plug-in `name` does not take or that it lacks, and for each unfit value."""
    plugin = load(table, name, where)
    options = _taken(plugin, options)
    return list(_problems_of_model(plugin, options, where) if _model(plugin) else _problems(plugin, options, where))


def _taken(plugin: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Return `options` without the judge's name, if the constructor is the user's own and does not take it."""
    own_class = not plugin.__module__.startswith("reset.")
    return {key: one for key, one in options.items() if key != "name" or not own_class or key in _parameters(plugin)}


def _model(plugin: Any) -> Any:
    """Return the pydantic model `Options` that a class of the user's own may have, else None."""
    found = getattr(plugin, "Options", None)
    return found if hasattr(found, "model_validate") else None


def _parted(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part what the stage gives, name and model, from the options of the row."""
    given = {key: options[key] for key in ("name", "model") if key in options}
    return given, {key: options[key] for key in options if key not in given}


def _problems_of_model(plugin: Any, options: Mapping[str, Any], where: str) -> Iterator[str]:
    from pydantic import ValidationError

    given, own_options = _parted(options)
    if not {"options"} & _parameters(plugin).keys():
        yield f"{where}: its class has a model `Options`, so its constructor must take `options`"
        return
    fields = _model(plugin).model_fields
    for key in own_options:
        if key not in fields and _model(plugin).model_config.get("extra") != "allow":
            yield f"unknown key '{where}.{key}'. {nearest(str(key), fields)}"
    yield from _problems(plugin, {**given, "options": None}, where, typed=False)
    try:
        _model(plugin).model_validate({key: own_options[key] for key in own_options if key in fields})
    except ValidationError as error:
        yield from _lines(error, where)


def _parameters(plugin: Any) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(plugin, eval_str=True).parameters


def _problems(plugin: Any, options: Mapping[Any, Any], where: str, *, typed: bool = True) -> Iterator[str]:
    parameters = {key: one for key, one in _parameters(plugin).items() if one.kind is not one.VAR_KEYWORD}
    takes_any = len(parameters) < len(_parameters(plugin))
    for key in options:
        if key not in parameters and not takes_any:
            yield f"unknown key '{where}.{key}'. {nearest(str(key), parameters)}"
    if lacking := [key for key, one in parameters.items() if one.default is one.empty and key not in options]:
        yield f"{where} lacks {', '.join(lacking)}"
    for key in options.keys() & parameters.keys() if typed else ():
        yield from _unfit(options[key], parameters[key].annotation, f"{where}.{key}")


def _unfit(value: Any, annotation: Any, key: str) -> Iterator[str]:
    """Yield a line for each part of `value` that is not of the type `annotation`."""
    from pydantic import ConfigDict, TypeAdapter, ValidationError  # not for those that only look up a name

    if annotation is inspect.Parameter.empty or annotation is Path:
        return
    if record := _record(annotation):
        if isinstance(value, Mapping):
            yield from _problems(record, value, key)
        elif value is not None or record is annotation:
            yield f"{key}: must be a table of {', '.join(_parameters(record))} (it is {shown(value)})"
        return
    config = ConfigDict(arbitrary_types_allowed=True, allow_inf_nan=False)
    try:
        TypeAdapter(annotation, config=config).validate_python(value, strict=True)
    except ValidationError as error:
        yield from _lines(error, key)


def _lines(error: Any, key: str) -> Iterator[str]:
    """Yield a line for each error that pydantic found in the value of `key`."""
    for item in error.errors():
        place = ".".join([key, *map(str, item["loc"])])
        blank = item["type"] == "string_pattern_mismatch" and item["ctx"]["pattern"] == r"\S"
        yield f"{place}: {'must not be empty' if blank else item['msg']} (it is {shown(item['input'])})"


def _made(value: Any, annotation: Any) -> Any:
    record = _record(annotation)
    return record(**value) if record and isinstance(value, Mapping) else value


def _record(annotation: Any) -> Any:
    """Return the dataclass that `annotation` is, or is beside None."""
    return next((one for one in (annotation, *get_args(annotation)) if is_dataclass(one)), None)
