"""CNN/DailyMail (Hermann et al. 2015, Nallapati et al. 2016), not anonymised.

https://huggingface.co/datasets/abisee/cnn_dailymail, 287,113 / 13,368 / 11,490; no filter is asked for.
"""

from collections.abc import Iterable, Iterator

from reset.model.prompts import INSTRUCTIONS
from reset.sources import Example, Record, SetAside, Where
from reset.sources.fields import identity, text


class CnnDailyMail:
    """`line_breaks` keeps the highlights on lines of their own (for sentence-level ROUGE) instead of one line."""

    where = Where(
        hub="abisee/cnn_dailymail",
        config="3.0.0",
        revision="main",  # the commit it resolves to is recorded; pin it by `revision` in params.yaml
        splits={"train": "train", "dev": "validation", "test": "test"},
        licence="Apache-2.0 by its card; the articles are the publishers'",
    )

    def __init__(self, *, line_breaks: bool = False) -> None:
        self._join = "\n" if line_breaks else " "

    def outcomes(self, records: Iterable[Record]) -> Iterator[Example | SetAside]:
        """Turn raw records into examples."""
        return map(self._outcome, records)

    def _outcome(self, record: Record) -> Example:
        article, highlights = text(record, "article"), text(record, "highlights")
        lines = [line.strip() for line in highlights.splitlines() if line.strip()]
        task = "summarization"
        return Example(
            id=identity(record, ["id"], article, highlights),
            task=task,
            instruction=INSTRUCTIONS[task],
            passages=[article],
            references=[self._join.join(lines)],
        )
