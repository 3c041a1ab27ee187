"""The verdicts that each kind of judge gives, told without loading it, so that params.yaml is checked before a run.

A test holds this table to what the judges do. A new kind of judge adds a line to `KINDS`.
"""

from collections.abc import Callable, Mapping
from typing import Any

Options = Mapping[str, Any]
TASKS = ("instruction", "extractive_qa", "abstractive_qa", "summarization")
ABSTRACTIVE = TASKS[2:]
SPLITS = ("train", "dev", "test")
STAND_INS = frozenset({"reference"})  # kinds that never are more than a stand-in


def names(kind: str, name: str, options: Options, task: str, split: str) -> list[str]:
    """Return the verdicts that the judge `name` gives on an answer to a prompt of `task` and `split`.

    `kind` and `options` are those of its row in params.yaml; an unknown kind gives none.
    """
    return KINDS[kind](name, options, task, split) if kind in KINDS else []


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


def _of_sentences(name: str, _: Options, task: str, __: str) -> list[str]:
    return [name] if task in ABSTRACTIVE else []


def _of_replies(name: str, _: Options, task: str, __: str) -> list[str]:
    return [name] if task == "instruction" else []


def _reference(_: str, __: Options, task: str, ___: str) -> list[str]:
    return ["rating", "rating_weak"] if task == "instruction" else []


def _rubric(name: str, options: Options, task: str, split: str) -> list[str]:
    return ["oracle"] if task in ABSTRACTIVE else _reference(name, options, task, split)


def _openai(_: str, options: Options, task: str, split: str) -> list[str]:
    if task != "instruction":
        return []
    weak = ["rating_weak"] if options.get("weak_model") and split == "train" else []
    return ["rating", *weak, *(["preference"] if options.get("pairwise_model") and split == "test" else [])]


KINDS: dict[str, Callable[[str, Options, str, str], list[str]]] = {
    "lexical": _lexical,
    "summac": _of_sentences,
    "minicheck": _of_sentences,
    "reward": _of_replies,
    "llm": _of_replies,
    "rubric": _rubric,
    "reference": _reference,
    "openai": _openai,
}
