"""Self-Instruct (Wang et al. 2023): instructions by GPT-3.

https://github.com/yizhongw/self-instruct

Two layouts: `instruction`, `input`, `output` (all_instances_82K.jsonl, preferred), and `prompt`, `completion`, where
the three were run together in one of 13 ways. There the whole prompt is the instruction, and only an input with its
mark "Input:" can be told. Seed tasks and evaluation tasks, which list `instances`, are unpacked.
"""

import re
from collections.abc import Iterable, Iterator

from reset.sources import Example, Record, SetAside, Where
from reset.sources.fields import identity, optional_text, rows, text

END = "<|endoftext|>"
_OUTPUT_MARK = re.compile(r"\s*\bOutput:\s*$")
_INPUT_MARK = re.compile(r"^Input:", re.MULTILINE)


class SelfInstruct:
    """`keep_input` keeps rows with an input, which becomes their only passage (in a prompt it stays where it is)."""

    where = Where(
        revision="0b26ccaa415992100fa32df62d41b994cf928e23",
        urls={
            "train": "https://raw.githubusercontent.com/yizhongw/self-instruct/{revision}/"
            "data/gpt3_generations/batch_221203/all_instances_82K.jsonl"
        },
        licence="Apache-2.0",
    )

    def __init__(self, *, keep_input: bool = False) -> None:
        self._keep_input = keep_input

    def unpack(self, document: Record) -> Iterator[Record]:
        """Yield one record per instance of a task; any other record as it is."""
        if "instances" not in document:
            yield document
            return
        for number, instance in enumerate(rows(document, "instances")):
            name = identity(document, ["id"], text(document, "instruction"))
            yield {"id": f"{name}_{number}", "instruction": text(document, "instruction"), **instance}

    def outcomes(self, records: Iterable[Record]) -> Iterator[Example | SetAside]:
        """Turn raw records into examples."""
        return map(self._outcome, records)

    def _outcome(self, record: Record) -> Example | SetAside:
        if "prompt" in record:
            instruction = _OUTPUT_MARK.sub("", text(record, "prompt")).strip()
            response = text(record, "completion").removesuffix(END).strip()
            given, has_input = "", bool(_INPUT_MARK.search(instruction))
        else:
            instruction, response = text(record, "instruction").strip(), text(record, "output").strip()
            given = optional_text(record, "input").strip()
            has_input = bool(given)
        if not instruction or not response:
            return SetAside("empty instruction or response")
        if has_input and not self._keep_input:
            return SetAside("has an input")
        return Example(
            id=identity(record, ["id"], instruction, given, response),
            task="instruction",
            instruction=instruction,
            passages=[given] if given else [],
            references=[response],
        )
