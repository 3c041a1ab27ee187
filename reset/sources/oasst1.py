"""OASST-1 (Köpf et al. 2023): conversation trees.

https://huggingface.co/datasets/OpenAssistant/oasst1

A row is a message; the release's other layout, a nested tree per line (`ExportMessageTree` of the release's own package
oasst_data, where replies, labels and a label's value may be null), is unpacked. An example is an assistant's
message with the prompter's message it answers, when its `quality` label (a mean over raters, 0 to 1) is above 0.5 and
has two raters (section 2.1.1).
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Literal

from reset.errors import ResetError, nearest
from reset.sources import Example, Record, SetAside, Where
from reset.sources.fields import number, optional_text, rows, text, value

TURNS = ("first", "all")
LABELS = ("quality", "helpfulness", "creativity", "humor")  # of which more is better


class Oasst1:
    """`language` null takes all; `turns` is "first" (answers to a tree's root) or "all", each with its parent alone.

    `label` names the rating that counts; `min_quality` must be exceeded by it, `min_raters` reached.
    """

    joined: Literal[True] = True
    where = Where(
        hub="OpenAssistant/oasst1",
        revision="main",  # the commit it resolves to is recorded; pin it by `revision` in params.yaml
        splits={"train": "train", "dev": "validation"},
        licence="Apache-2.0",
    )

    def __init__(
        self,
        *,
        language: str | None = "en",
        turns: str = "first",
        label: str = "quality",
        min_quality: float = 0.5,
        min_raters: int = 2,
    ) -> None:
        if turns not in TURNS:
            raise ResetError(f"Unknown turns '{turns}' (options.turns of oasst1). {nearest(turns, TURNS)}")
        self._language, self._first = language, turns == "first"
        if label not in LABELS:
            raise ResetError(f"Unknown label '{label}' (options.label of oasst1). {nearest(label, LABELS)}")
        self._label, self._min_quality, self._min_raters = label, min_quality, min_raters

    def unpack(self, document: Record) -> Iterator[Record]:
        """Yield the messages of a tree, with parents, and labels as the hub lists them; a message as it is."""
        if "prompt" not in document:
            yield document
            return
        prompt = value(document, "prompt")
        if not isinstance(prompt, Mapping):
            raise ResetError("is a tree without a prompt")
        todo = [{"parent_id": None, **prompt}]
        while todo:
            message = todo.pop()
            todo += [{"parent_id": message.get("message_id"), **reply} for reply in message.pop("replies", None) or []]
            labels = message.get("labels") or {}
            yield {**message, "labels": [{"name": name, **rated} for name, rated in labels.items()] or None}

    def outcomes(self, records: Iterable[Record]) -> Iterator[Example | SetAside]:
        """Turn raw records into examples; holds them all, since an answer may stand before its prompt."""
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
