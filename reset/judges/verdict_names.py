"""The verdicts that each kind of judge gives, told without loading it, so that params.yaml is checked before a run.

A test holds this table to what the judges do. A new kind of judge adds a line to `KINDS`. What a prompt file says is
read from the file; a class of the user's own is loaded.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from reset import registry
from reset.errors import ResetError, shown
from reset.judges import TASKS, chosen_tasks, prompt_files

Options = Mapping[str, Any]
ABSTRACTIVE = TASKS[2:]
SPLITS = ("train", "dev", "test")
BY_REFERENCE = {"lexical": ("exact_match", "rouge_l"), "openai": ("preference",)}  # of kinds with other verdicts too
STAND_INS = frozenset({"reference"})  # kinds that never are more than a stand-in


def names(kind: str, name: str, options: Options, task: str, split: str) -> list[str]:
    """Return the verdicts that the judge `name` gives on an answer to a prompt of `task` and `split`.

    `kind` and `options` are those of its row in params.yaml. An unknown kind gives none, and neither does one whose
    prompt file or class cannot be read, such as that of an older commit: `problem` says why.
    """
    try:
        if registry.is_own(kind):
            return [name] if task in registry.own(kind).tasks else []
        return KINDS[kind](name, options, task, split) if kind in KINDS else []
    except ResetError:
        return []


def by_reference(kind: str, name: str, options: Options, task: str, split: str) -> list[str]:
    """Return those of `names` that compare an answer with the example's references, as far as it is known.

    What a class of the user's own reads is not.
    """
    given_here = names(kind, name, options, task, split)
    if kind == "reference":
        return given_here
    if isinstance(prompt := options.get("prompt"), str):
        return given_here if given_here and "{reference" in prompt_files.read(prompt).text else []
    return [verdict for verdict in given_here if verdict in BY_REFERENCE.get(kind, ())]


def problem(kind: str, options: Options) -> str | None:
    """Return why the prompt file or the class that a row of judges names cannot be used, or None."""
    try:
        if registry.is_own(kind):
            _require_tasks(kind, registry.own(kind).tasks)
        elif isinstance(prompt := options.get("prompt"), str):
            prompt_files.read(prompt)
    except ResetError as error:
        return error.message
    return None


def _require_tasks(kind: str, tasks: Any) -> None:
    unknown = [task for task in tasks if task not in TASKS] if isinstance(tasks, Collection) else [tasks]
    if isinstance(tasks, str) or unknown or not tasks:
        raise ResetError(f"class '{kind}': its `tasks` must be a set of {', '.join(TASKS)} (they are {shown(tasks)})")


def stand_ins(params: Mapping[str, Any]) -> set[str]:
    """Return the names of all verdicts that the judges and watchers in `stand_ins` of a params.yaml give.

    `params` is the content of the file, also one of an older commit that has no such list.
    """
    tables: tuple[Mapping[str, Any], Mapping[str, Any]] = (params.get("judges", {}), params.get("watchers", {}))
    listed = params.get("stand_ins", ())
    of_judges, of_watchers = (
        [(name, verdict) for name, row in rows.items() if name in listed for verdict in given(name, row)]
        for rows in tables
    )
    return {verdict for _, verdict in of_judges} | {watched(name, verdict) for name, verdict in of_watchers}


def given(name: str, row: Mapping[str, Any]) -> list[str]:
    """Return all verdicts that a row of judges gives, whatever it is asked."""
    kind, options = row["kind"], row["options"]
    every = (verdict for task in TASKS for split in SPLITS for verdict in names(kind, name, options, task, split))
    return list(dict.fromkeys(every))


def watched(watcher: str, verdict: str) -> str:
    """Return the name under which the verdict of a watcher is told."""
    return verdict if verdict == watcher else f"{watcher}:{verdict}"


def _lexical(_: str, options: Options, task: str, __: str) -> list[str]:
    if task == "instruction":
        return []
    own = ["exact_match", "span_coverage"] if task == "extractive_qa" else ["rouge_l"]
    more = options.get("more")  # options are checked where the judge is built
    optional = [name for name in more if isinstance(name, str)] if isinstance(more, list) else []
    return [*own, "unigram_coverage", "bigram_coverage", *optional]


def _on(*own: str) -> Callable[[str, Options, str, str], list[str]]:
    """Return the names of a kind that judges the tasks `own`, or those of its row's option `tasks`."""

    def named(name: str, options: Options, task: str, _: str) -> list[str]:
        return [name] if task in chosen_tasks(options, own) else []

    return named


def _llm(name: str, options: Options, task: str, split: str) -> list[str]:
    prompt = options.get("prompt")
    return _of_prompt(prompt, name, task) if isinstance(prompt, str) else _on("instruction")(name, {}, task, split)


def _of_prompt(prompt: str, name: str, task: str) -> list[str]:
    file = prompt_files.read(prompt)
    return [file.verdict or name] if task in file.judged else []


def _abstention(_: str, __: Options, task: str, ___: str) -> list[str]:
    return ["abstains", "prudence", "over_refusal", "abstention"] if task in TASKS[1:3] else []


def _verifiable(_: str, __: Options, ___: str, ____: str) -> list[str]:
    return ["prompt_strict", "prompt_loose", "instruction_strict", "instruction_loose"]


def _reference(_: str, __: Options, task: str, ___: str) -> list[str]:
    return ["rating", "rating_weak"] if task == "instruction" else []


def _rubric(name: str, options: Options, task: str, split: str) -> list[str]:
    return ["oracle"] if task in ABSTRACTIVE else _reference(name, options, task, split)


def _openai(name: str, options: Options, task: str, split: str) -> list[str]:
    if isinstance(prompt := options.get("prompt"), str):
        return _of_prompt(prompt, name, task)
    if task != "instruction":
        return []
    weak = ["rating_weak"] if options.get("weak_model") and split == "train" else []
    return ["rating", *weak, *(["preference"] if options.get("pairwise_model") and split == "test" else [])]


KINDS: dict[str, Callable[[str, Options, str, str], list[str]]] = {
    "lexical": _lexical,
    "summac": _on(*ABSTRACTIVE),
    "minicheck": _on(*ABSTRACTIVE),
    "claims": _on(*ABSTRACTIVE),
    "reward": _on("instruction"),
    "llm": _llm,
    "self_consistency": _on(*TASKS),
    "abstention": _abstention,
    "verifiable": _verifiable,
    "rubric": _rubric,
    "reference": _reference,
    "openai": _openai,
}
