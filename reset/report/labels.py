"""Labels that people gave to answers (`reset-lm label`), as the page's answer browser shows them.

A line of labels/<name>.jsonl is what one person said of one answer. It holds as long as the pool has the text that was
read.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KEYS = ("pool", "answer_id", "answer_hash", "who", "at", "objectives", "failures", "note")


def digest(text: str) -> str:
    """Return the hash by which a label knows the text that it was given for."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


@dataclass
class Labels:
    """The labels of a run, by pool and answer; the page counts what it has used of them."""

    by_answer: dict[tuple[str, str], list[Mapping[str, Any]]] = field(default_factory=dict)
    broken: int = 0  # lines that are no label
    changed: int = 0  # labels of texts that the pool no longer has

    def of(self, pool: str, answer_id: str, text: str) -> list[list[Any]]:
        """Return what people said of an answer that still has its text: who, value by objective, failures, note."""
        own = self.by_answer.get((pool, answer_id), ())
        stand = [one for one in own if one["answer_hash"] == digest(text)]
        self.changed += len(own) - len(stand)
        return [[one[key] for key in ("who", "objectives", "failures", "note")] for one in stand]

    def problems(self) -> str:
        """Return a sentence on what of the labels is not shown; "" if all is."""
        found = [f"lines that are no labels: {self.broken}"] if self.broken else []
        found += [f"labels of texts that the pools no longer have: {self.changed}"] if self.changed else []
        return f"Not shown of labels/: {', '.join(found)}." if found else ""


def read(folder: Path) -> Labels:
    """Read every table of labels in a folder; of one person's labels of an answer the last counts."""
    found = Labels()
    last: dict[tuple[str, str, str], Mapping[str, Any]] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for line in filter(str.strip, path.read_text(encoding="utf-8", errors="replace").split("\n")):
            label = _label(line)
            if label is None:
                found.broken += 1
            elif (key := (label["pool"], label["answer_id"], label["who"])) not in last or last[key]["at"] <= label[
                "at"
            ]:
                last[key] = label
    for (pool, answer_id, _), label in sorted(last.items()):
        found.by_answer.setdefault((pool, answer_id), []).append(label)
    return found


def _label(line: str) -> Mapping[str, Any] | None:
    """A label, or None for a line that is none; `reset-lm label --read` says what is wrong with it."""
    try:
        label = json.loads(line)
    except ValueError:
        return None
    if not isinstance(label, dict) or not {*KEYS} <= label.keys():
        return None
    texts = all(isinstance(label[key], str) for key in KEYS if key not in ("objectives", "failures"))
    return label if texts and isinstance(label["objectives"], dict) and isinstance(label["failures"], list) else None
