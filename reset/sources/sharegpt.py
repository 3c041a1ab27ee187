"""ShareGPT: users' conversations with a chat model.

https://huggingface.co/datasets/LLMs/Alpaca-ShareGPT

A row there is a user's turn with the assistant's turn that follows it. Raw dumps of whole conversations are unpacked in
the same way. The texts contain personal data, so no error message quotes them.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Annotated

from pydantic import Field

from reset.sources import Example, Record, SetAside, Where
from reset.sources.fields import identity, optional_text, rows, text

PEOPLE = frozenset({"human", "user"})
ASSISTANTS = frozenset({"gpt", "chatgpt", "bing", "bard", "assistant"})


class ShareGPT:
    """Rows without an input whose response has *more* than `min_words` words, split by whitespace (section 2.1.1).

    A record, and a whole conversation, with invented text:

        {"instruction": "Count.", "input": "", "output": "One two three four five six seven eight nine ten eleven."}
        {"id": "c1", "conversations": [{"from": "human", "value": "Hi."}, {"from": "gpt", "value": "Hello."}]}
    """

    where = Where(
        hub="LLMs/Alpaca-ShareGPT",
        revision="main",  # fetch records the commit; set `revision` in params.yaml to pin one
        splits={"train": "train"},
        licence="Apache-2.0 by its card; the conversations are users' own",
    )

    def __init__(self, *, min_words: Annotated[int, Field(ge=0)] = 10) -> None:
        self._min_words = min_words

    def unpack(self, document: Record) -> Iterator[Record]:
        """Turn a whole conversation into rows; a document that is a row is yielded as it is.

        A conversation without an answered turn becomes one empty row, so that it is counted as set aside.
        """
        if "conversations" not in document:
            yield document
            return
        turns = rows(document, "conversations")
        name = identity(document, ["id"], *(optional_text(turn, "value") for turn in turns))
        pairs = [
            (text(first, "value"), text(second, "value"))
            for first, second in pairwise(turns)
            if optional_text(first, "from") in PEOPLE and optional_text(second, "from") in ASSISTANTS
        ]
        for number, (prompt, response) in enumerate(pairs or [("", "")]):
            yield {"id": f"{name}_{number}", "instruction": prompt, "input": "", "output": response}

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
