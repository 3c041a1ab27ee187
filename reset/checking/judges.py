"""Judges: their options, labels and chat templates of their models, engines, and the data of sentence splitters."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from reset import registry
from reset.checking import servers
from reset.checking.bases import Files
from reset.checking.findings import Finding, Found, at_its_key, error
from reset.errors import ResetError
from reset.params.answers import Judge


def server(key: str, name: str, row: Judge, *, offline: bool) -> Found:
    """Check a judge that asks a server: its options, and unless `offline` the server."""
    try:
        judge = registry.build(registry.JUDGES, row.kind, f"{key}.options", name=name, **row.options)
    except ResetError as problem:
        return list(_problems(f"{key}.options", problem))
    return list(servers.judge(key, row.options, judge, offline=offline))


def _problems(where: str, problem: ResetError) -> Iterator[Finding]:
    """Yield a finding for each line of `problem`, at the key that it names, or else at `where`."""
    place = re.escape(where)
    lines = re.split(rf"; (?=(?:unknown key '|key ')?{place}\.)", problem.message.removeprefix("params.yaml: "))
    return (at_its_key(where, line) for line in lines)


def local(key: str, name: str, row: Judge, models: Mapping[str, Files | None]) -> Iterator[Finding]:
    """Check a judge that asks nobody; `models` are those of the hub.

    One with a model is not built: stage `base` may not have run yet. What is known of its model are the small files.
    """
    try:
        if row.model is None:
            registry.build(registry.JUDGES, row.kind, f"{key}.options", name=name, **row.options)
        elif row.kind in WITH_MODEL:
            yield from WITH_MODEL[row.kind](key, name, row, models.get(row.model.removeprefix("base/")))
    except ResetError as problem:
        yield from _problems(f"{key}.options", problem)


def _summac(key: str, name: str, row: Judge, files: Files | None) -> Iterator[Finding]:
    from reset.judges.sentences.nli import LABELS  # torch and transformers take seconds to import
    from reset.judges.summac import PRESETS, settings

    keys = next(iter(PRESETS.values())).keys()
    own = {option: row.options.get(option) for option in keys}
    chosen = settings(name, str(row.options.get("preset", "reset")), own)
    conv = row.options.get("conv")
    if conv and not Path(conv).is_file():
        yield error(f"{key}.options.conv", f"there is no file '{conv}'", "put SummaC-Conv's weights there")
    yield from _splitter(key, str(chosen["sentences"]))
    yield from _labels(key, row, files, LABELS[:2] if chosen["use_contradiction"] and not conv else LABELS[:1])


def _minicheck(key: str, name: str, row: Judge, files: Files | None) -> Iterator[Finding]:
    yield from _splitter(key, str(row.options.get("sentences", "untrained")))
    if files:
        config = _config(files)
        generates = any("ConditionalGeneration" in kind for kind in config.architectures or ())
        if not generates and config.num_labels != 2:
            what = f"'{files.id}' has {config.num_labels} labels, MiniCheck needs 2 (unsupported, supported)"
            yield error(f"{key}.model", what, "name a model of MiniCheck, or set kind to summac")


def _claims(key: str, name: str, row: Judge, files: Files | None) -> Iterator[Finding]:
    from reset.judges.sentences.nli import LABELS

    yield from _splitter(key, str(row.options.get("sentences", "english")))
    yield from _labels(key, row, files, LABELS[:1])


def _self_consistency(key: str, name: str, row: Judge, files: Files | None) -> Iterator[Finding]:
    from reset.judges.sentences.nli import LABELS

    yield from _labels(key, row, files, LABELS[:2])


def _labels(key: str, row: Judge, files: Files | None, needed: Sequence[str]) -> Iterator[Finding]:
    """Yield a line if an NLI model lacks a label that the judge needs."""
    from reset.judges.sentences.nli import label_order

    if files:
        try:
            label_order(_config(files).id2label, files.id, row.options.get("labels"), needed)
        except ResetError as problem:
            yield error(f"{key}.options.labels", problem.message)


def _reward(key: str, name: str, row: Judge, files: Files | None) -> Iterator[Finding]:
    if files:
        if (labels := _config(files).num_labels) != 1:
            yield error(
                f"{key}.model", f"'{files.id}' has {labels} labels, a reward model has 1", "name a reward model"
            )
        yield from _template(key, files)


def _llm(key: str, name: str, row: Judge, files: Files | None) -> Iterator[Finding]:
    from reset.engines import in_process

    try:
        in_process.require(str(row.options["engine"]), where=f"{key}.options")
    except ResetError as problem:
        yield error(f"{key}.options.engine", problem.message)
    if files:
        yield from _template(key, files)


def _template(key: str, files: Files) -> Iterator[Finding]:
    """Yield a line if the tokenizer of a model that judges conversations cannot write them."""
    from reset.judges.chat_rows import require_template
    from reset.model.tokens import load_tokenizer

    try:
        require_template(load_tokenizer(files.folder), str(files.folder))
    except ResetError as problem:
        yield error(f"{key}.model", problem.message.replace(str(files.folder), f"'{files.id}'"), "name a chat model")


def _splitter(key: str, name: str) -> Iterator[Finding]:
    from reset.judges.sentences.texts import splitter

    try:
        splitter(name)
    except ResetError as problem:
        what, _, mend = problem.message.partition(": ")
        yield error(f"{key}.options.sentences", what, mend)


def _config(files: Files):  # type: ignore[no-untyped-def]
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(files.folder, trust_remote_code=False)  # nosec B615: a local folder


WITH_MODEL: dict[str, Callable[[str, str, Judge, Files | None], Iterator[Finding]]] = {
    **{"summac": _summac, "minicheck": _minicheck},
    **{"reward": _reward, "llm": _llm, "claims": _claims, "self_consistency": _self_consistency},
}
