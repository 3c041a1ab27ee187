"""Alpaca (Taori et al. 2023), for evaluation.

https://huggingface.co/datasets/tatsu-lab/alpaca

The paper's "Alpaca-15K" of 31,323 examples is Alpaca without its 20,679 rows that have an input.
"""

from collections.abc import Iterable, Iterator

from reset.sources import Example, Record, SetAside, Where, content_id
from reset.sources.fields import optional_text, text


class Alpaca:
    """`keep_input` keeps rows with an input, which becomes their only passage.

    A blank output is no reason to leave a row out: an instruction is rated without a reference.
    """

    where = Where(
        hub="tatsu-lab/alpaca",
        revision="main",  # the commit it resolves to is recorded; pin it by `revision` in params.yaml
        splits={"test": "train"},
        licence="CC BY-NC 4.0",
    )

    def __init__(self, *, keep_input: bool = False) -> None:
        self._keep_input = keep_input

    def outcomes(self, records: Iterable[Record]) -> Iterator[Example | SetAside]:
        """Turn raw records into examples."""
        return map(self._outcome, records)

    def _outcome(self, record: Record) -> Example | SetAside:
        instruction, output = text(record, "instruction"), text(record, "output")
        given = optional_text(record, "input").strip()
        if given and not self._keep_input:
            return SetAside("has an input")
        return Example(
            id=content_id(instruction, given, output),
            task="instruction",
            instruction=instruction,
            passages=[given] if given else [],
            references=[output] if output.strip() else [],
        )
