"""Update dvc.lock in place: DVC 3.67's own writer for the entry of the stage that ran, and no other work.

DVC parses and writes the whole file in pure Python after every stage, so the cost of a stage grows with the number of
stages (2.6 s of processor at 10,000 lines). Here the bytes are the same, and only the entry that was written is parsed
again while nobody else changes the file. A lock of another form goes DVC's own way.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reset.files.atomic import temporary_of

HEADER = "schema: '2.0'\nstages:\n"
FOREIGN = re.compile(r"\n[^ \n]|[:-] [&*]\w")  # a key beside the two, an anchor, an alias

Content = dict[str, Any]
_parsed: dict[
    str, tuple[bytes, Content]
] = {}  # of a lock that DVC has parsed and checked: its bytes, and what they say


def update_in_place() -> None:
    """Let DVC's Lockfile replace entries in the text, or do as before where it cannot."""
    from dvc import dvcfile

    dvcfile.Lockfile.dump_stages = _dump_stages(dvcfile.Lockfile.dump_stages)
    dvcfile.Lockfile._load_yaml = _load_yaml(dvcfile.Lockfile._load_yaml)


def _load_yaml(original: Any) -> Any:
    """Return a method for DVC's Lockfile that parses the file of the workspace only if its bytes are new."""
    from dvc.fs import LocalFileSystem

    def load_yaml(self: Any, **kwargs: Any) -> tuple[Content, str]:
        if kwargs or not isinstance(self.repo.fs, LocalFileSystem):  # to be edited; or of a commit
            content, text = original(self, **kwargs)
            return content, text
        there = Path(self.path).read_bytes()
        if self.path not in _parsed or _parsed[self.path][0] != there:
            _parsed[self.path] = there, original(self)[0]
        return _parsed[self.path][1], there.decode("utf-8")

    return load_yaml


def _remember(path: str, before: str | None, text: str, entries: Sequence[str]) -> None:
    """Keep what `text` says, if what it says before `entries` were replaced in it is known."""
    from dvc.utils.serialize import parse_yaml

    known, content = _parsed.pop(path, (b"", {}))
    if before is None or known != before.encode("utf-8"):
        return
    new = {name: entry for one in entries for name, entry in parse_yaml(f"stages:\n{one}", path)["stages"].items()}
    _parsed[path] = text.encode("utf-8"), {**content, "stages": {**content["stages"], **new}}


def _dump_stages(original: Any) -> Any:
    """Return a method for DVC's Lockfile that replaces entries in the text, or calls `original` where it cannot."""
    from dvc import dvcfile
    from dvc.stage.serialize import to_lockfile

    def dump_stages(self: Any, stages: Sequence[Any], **kwargs: Any) -> None:
        path = Path(self.path)
        before = text = path.read_text(encoding="utf-8") if path.is_file() else None
        entries = [entry_text(to_lockfile(stage, **kwargs)) for stage in stages]
        for entry in entries:
            text = None if text is None else replaced(text, entry)
        if text is None:
            original(self, stages, **kwargs)
        elif text != before:
            dvcfile.logger.info("Updating lock file '%s'", self.relpath)
            write_whole(path, text)
            _remember(self.path, before, text, entries)
            self.repo.scm_context.track_file(self.relpath)

    return dump_stages


def entry_text(entry: Any) -> str:
    """Return one stage's entry as DVC writes it below `stages:`, the line of its name first."""
    from dvc.utils.serialize import dumps_yaml

    return str(dumps_yaml({"stages": entry})).removeprefix("stages:\n")


def replaced(text: str, entry: str) -> str | None:
    """Return the lock `text` with `entry` in the place of the stage's old one, or at the end if it has none.

    None where `text` is not of the form that DVC 3 writes: other keys, or anchors and aliases.
    """
    name, _, _ = entry.partition("\n")
    if not text.startswith(HEADER) or not text.endswith("\n") or FOREIGN.search(text, len(HEADER) - 1):
        return None
    start = text.find(f"\n{name}\n") + 1
    if not start:
        return text + entry
    following = re.compile(r"^  \S", re.MULTILINE).search(text, start + len(name))
    return text[:start] + entry + (text[following.start() :] if following else "")


def write_whole(path: Path, text: str) -> None:
    """Write a lock; it is there whole or as it was before."""
    temporary = temporary_of(path)
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
