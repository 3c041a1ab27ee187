"""Judges: their options, the labels of NLI models, and the data of sentence splitters."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from reset import registry
from reset.checking import servers
from reset.checking.bases import Files
from reset.checking.findings import Finding, Found, error
from reset.errors import ResetError
from reset.params.answers import Judge

NLI = ("summac", "minicheck")


def server(key: str, name: str, row: Judge, *, offline: bool) -> Found:
    """Check a judge that asks a server: its options, and unless `offline` the server."""
    try:
        judge = registry.build(registry.JUDGES, row.kind, f"{key}.options", name=name, **row.options)
    except ResetError as problem:
        return [error(f"{key}.options", problem.message.removeprefix("params.yaml: "))]
    return list(servers.judge(key, row.options, judge, offline=offline))


def local(key: str, name: str, row: Judge, models: Mapping[str, Files | None]) -> Iterator[Finding]:
    """Check a judge that asks nobody; `models` are those of the hub."""
    try:
        if row.kind in NLI:
            files = models.get((row.model or "").removeprefix("base/"))
            yield from (_summac if row.kind == "summac" else _minicheck)(key, name, row, files)
        elif row.model is None:
            registry.build(registry.JUDGES, row.kind, f"{key}.options", name=name, **row.options)
    except ResetError as problem:
        yield error(f"{key}.options", problem.message.removeprefix("params.yaml: "))


def _summac(key: str, name: str, row: Judge, files: Files | None) -> Iterator[Finding]:
    from reset.judges.sentences.nli import LABELS, label_order  # torch and transformers take seconds to import
    from reset.judges.summac import PRESETS, settings

    keys = next(iter(PRESETS.values())).keys()
    own = {option: row.options.get(option) for option in keys}
    chosen = settings(name, str(row.options.get("preset", "reset")), own)
    conv = row.options.get("conv")
    if conv and not Path(conv).is_file():
        yield error(f"{key}.options.conv", f"there is no file '{conv}'", "put SummaC-Conv's weights there")
    yield from _splitter(key, str(chosen["sentences"]))
    if files:
        needed = LABELS[:2] if chosen["use_contradiction"] and not conv else LABELS[:1]
        try:
            label_order(_config(files).id2label, files.id, row.options.get("labels"), needed)
        except ResetError as problem:
            yield error(f"{key}.options.labels", problem.message)


def _minicheck(key: str, name: str, row: Judge, files: Files | None) -> Iterator[Finding]:
    yield from _splitter(key, str(row.options.get("sentences", "untrained")))
    if files:
        config = _config(files)
        generates = any("ConditionalGeneration" in kind for kind in config.architectures or ())
        if not generates and config.num_labels != 2:
            what = f"'{files.id}' has {config.num_labels} labels, MiniCheck needs 2 (unsupported, supported)"
            yield error(f"{key}.model", what, "name a model of MiniCheck, or set kind to summac")


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
