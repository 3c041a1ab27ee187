"""OASST-1 (Köpf et al. 2023): conversation trees.

https://huggingface.co/datasets/OpenAssistant/oasst1

A row is one message. The release's other layout, a nested tree per line, is unpacked: `ExportMessageTree` of its
package oasst_data, where replies, labels and a label's value may be null. An example is an assistant's message together
with the prompter's message that it answers. Its `quality` label (a mean over raters, 0 to 1) must be above 0.5 and come
from at least two raters (section 2.1.1).
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Annotated, Literal

from pydantic import Field

from reset.errors import ResetError, nearest
from reset.sources import Example, Record, SetAside, Where
from reset.sources.fields import number, optional_text, rows, text, value

TURNS = ("first", "all")
LABELS = ("quality", "helpfulness", "creativity", "humor")  # the labels for which higher is better


class Oasst1:
    """Assistants' messages whose rating is high enough.

    - `language`: the only language kept; null keeps all.
    - `turns`: "first" (answers to the root of a tree) or "all". An answer's prompt is always its parent message alone.
    - `label`: the rating to look at. It must be above `min_quality`, and given by at least `min_raters` raters.

    Two records, with invented text:

        {"message_id": "p1", "parent_id": null, "role": "prompter", "text": "Name a city.", "lang": "en",
         "deleted": false, "labels": null}
        {"message_id": "a1", "parent_id": "p1", "role": "assistant", "text": "Oslo.", "lang": "en", "deleted": false,
         "labels": {"name": ["spam", "quality"], "value": [0.0, 0.75], "count": [3, 3]}}
    """

    joined: Literal[True] = True
    where = Where(
        hub="OpenAssistant/oasst1",
        revision="fdf72ae0827c1cda404aff25b6603abec9e3399b",
        splits={"train": "train", "dev": "validation"},
        licence="Apache-2.0",
    )

    def __init__(
        self,
        *,
        language: str | None = "en",
        turns: str = "first",
        label: str = "quality",
        min_quality: Annotated[float, Field(ge=0, lt=1)] = 0.5,
        min_raters: Annotated[int, Field(ge=0)] = 2,
    ) -> None:
        if turns not in TURNS:
            raise ResetError(f"Unknown turns '{turns}' (options.turns of oasst1). {nearest(turns, TURNS)}")
        self._language, self._first = language, turns == "first"
        if label not in LABELS:
            raise ResetError(f"Unknown label '{label}' (options.label of oasst1). {nearest(label, LABELS)}")
        self._label, self._min_quality, self._min_raters = label, min_quality, min_raters

    def unpack(self, document: Record) -> Iterator[Record]:
        """Yield the messages of a nested tree in the hub's layout; a document that is a message is yielded as it is."""
        if "prompt" not in document:
            yield document
            return
        prompt = value(document, "prompt")
        if not isinstance(prompt, Mapping):
            raise ResetError("is a tree without a prompt")
        todo = [{"parent_id": None, **prompt}]
        while todo:
            message = todo.pop()
            replies = [] if message.get("replies") is None else rows(message, "replies")
            todo += [{"parent_id": message.get("message_id"), **reply} for reply in replies]
            yield {**{name: field for name, field in message.items() if name != "replies"}, "labels": _labels(message)}

    def outcomes(self, records: Iterable[Record]) -> Iterator[Example | SetAside]:
        """Turn raw records into examples. Keeps all records in memory, since an answer may come before its prompt."""
        messages = list(records)
        prompts = {str(message.get("message_id")): message for message in messages if message.get("role") == "prompter"}
        return map(partial(self._outcome, prompts=prompts), messages)

    def _outcome(self, message: Record, prompts: Mapping[str, Record]) -> Example | SetAside:
        if text(message, "role") == "prompter":
            return SetAside("prompter turn")
        prompt = prompts.get(optional_text(message, "parent_id"))
        reason = self._message_fault(message) or self._quality_fault(message) or self._prompt_fault(prompt)
        if reason or prompt is None:
            return SetAside(reason)
        return Example(
            id=text(message, "message_id"),
            task="instruction",
            instruction=text(prompt, "text"),
            references=[text(message, "text")],
        )

    def _message_fault(self, message: Record) -> str:
        if message.get("deleted"):
            return "deleted"
        return "other language" if self._language not in (None, text(message, "lang")) else ""

    def _quality_fault(self, message: Record) -> str:
        labels = [] if value(message, "labels") is None else rows(message, "labels")
        rated = next((label for label in labels if label.get("name") == self._label), None)
        if rated is None or rated.get("value") is None:
            return f"no {self._label} rating"
        if number(rated, "value") <= self._min_quality:
            return f"{self._label} {self._min_quality:g} or lower"
        return f"fewer than {self._min_raters} raters" if number(rated, "count") < self._min_raters else ""

    def _prompt_fault(self, prompt: Record | None) -> str:
        if prompt is None:
            return "its prompt is missing"
        fault = self._message_fault(prompt)
        if fault:
            return f"its prompt: {fault}"
        return "later turn" if self._first and prompt.get("parent_id") is not None else ""


def _labels(message: Record) -> list[Record] | None:
    """Return the labels of a message of a tree as a list of objects, None if it has none."""
    labels = {} if message.get("labels") is None else value(message, "labels")
    if not isinstance(labels, Mapping) or not all(isinstance(label, Mapping) for label in labels.values()):
        raise ResetError("holds a message whose 'labels' are no object of objects")
    return [{"name": name, **label} for name, label in labels.items()] or None
