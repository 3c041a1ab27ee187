"""ShareGPT, users' conversations with a chat model.

https://huggingface.co/datasets/LLMs/Alpaca-ShareGPT

There every pair of adjacent turns of a person and the assistant is a row of its own; the raw dump of whole
conversations is unpacked in the same way. The text holds personal data: no message here quotes it.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise

from reset.sources import Example, Record, SetAside, Where
from reset.sources.fields import identity, optional_text, rows, text

PEOPLE = frozenset({"human", "user"})
ASSISTANTS = frozenset({"gpt", "chatgpt", "bing", "bard", "assistant"})


class ShareGPT:
    """`min_words`: a response must be *longer* than this, split by whitespace (section 2.1.1)."""

    where = Where(
        hub="LLMs/Alpaca-ShareGPT",
        revision="main",  # the commit it resolves to is recorded; pin it by `revision` in params.yaml
        splits={"train": "train"},
        licence="Apache-2.0 by its card; the conversations are users' own",
    )

    def __init__(self, *, min_words: int = 10) -> None:
        self._min_words = min_words

    def unpack(self, document: Record) -> Iterator[Record]:
        """Turn a whole conversation into rows; one without an answered turn becomes an empty row, to be counted."""
        if "conversations" not in document:
            yield document
            return
        turns = rows(document, "conversations")
        name = identity(document, ["id"], *(optional_text(turn, "value") for turn in turns))
        pairs = [
            (text(first, "value"), text(second, "value"))
            for first, second in pairwise(turns)
            if first.get("from") in PEOPLE and second.get("from") in ASSISTANTS
        ]
        for number, (asked, said) in enumerate(pairs or [("", "")]):
            yield {"id": f"{name}_{number}", "instruction": asked, "input": "", "output": said}

    def outcomes(self, records: Iterable[Record]) -> Iterator[Example | SetAside]:
        """Turn raw records into examples."""
        return map(self._outcome, records)

    def _outcome(self, record: Record) -> Example | SetAside:
        instruction, output = text(record, "instruction"), text(record, "output")
        given = optional_text(record, "input")
        if not instruction.strip():
            return SetAside("empty instruction")
        if given.strip():
            return SetAside("has an input")
        if len(output.split()) <= self._min_words:
            return SetAside(f"response of {self._min_words} words or fewer")
        return Example(
            id=identity(record, ["id"], instruction, output),
            task="instruction",
            instruction=instruction,
            references=[output],
        )
