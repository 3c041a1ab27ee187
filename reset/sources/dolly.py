"""Dolly-15K (Conover et al. 2023): instructions and responses written by people.

https://huggingface.co/datasets/databricks/databricks-dolly-15k

The paper drops examples with a context, which leaves 10,544 of 15,011.
"""

from collections.abc import Iterable, Iterator

from reset.sources import Example, Record, SetAside, Where, content_id
from reset.sources.fields import optional_text, text

CONTEXTUAL = ("closed_qa", "information_extraction", "summarization")


class Dolly:
    """Rows without a context; with `keep_context` all rows, the context being the only passage.

    A row has a context if its text or its category says so, because older copies lack the text of some contexts.

    A record, with invented text:

        {"instruction": "Name two rivers.", "context": "", "response": "Elbe and Oder.", "category": "open_qa"}
    """

    where = Where(
        hub="databricks/databricks-dolly-15k",
        revision="bdd27f4d94b9c1f951818a7da7fd7aeea5dbff1a",
        splits={"train": "train"},
        licence="CC BY-SA 3.0",
    )

    def __init__(self, *, keep_context: bool = False) -> None:
        self._keep_context = keep_context

    def outcomes(self, records: Iterable[Record]) -> Iterator[Example | SetAside]:
        """Turn raw records into examples."""
        return map(self._outcome, records)

    def _outcome(self, record: Record) -> Example | SetAside:
        instruction, response = text(record, "instruction"), text(record, "response")
        context = optional_text(record, "context").strip()
        contextual = bool(context) or optional_text(record, "category") in CONTEXTUAL
        if contextual and not self._keep_context:
            return SetAside("has a context")
        if not instruction.strip() or not response.strip():
            return SetAside("empty instruction or response")
        return Example(
            id=content_id(instruction, context, response),
            task="instruction",
            instruction=instruction,
            passages=[context] if context else [],
            references=[response],
        )
