"""CNN/DailyMail (Hermann et al. 2015, Nallapati et al. 2016): news articles with highlights, not anonymised.

https://huggingface.co/datasets/abisee/cnn_dailymail: 287,113 train, 13,368 dev and 11,490 test rows. The paper filters
none.
"""

from collections.abc import Iterable, Iterator

from reset.model.prompts import INSTRUCTIONS
from reset.sources import Example, Record, SetAside, Where
from reset.sources.fields import identity, text


class CnnDailyMail:
    r"""The highlights are the summary, on one line; `line_breaks` keeps one line each, for sentence-level ROUGE.

    A record, with invented text:

        {"id": "f0a1", "article": "(CNN) A bridge opened. ...", "highlights": "Bridge opens .\nMayor sings ."}
    """

    where = Where(
        hub="abisee/cnn_dailymail",
        config="3.0.0",
        revision="96df5e686bee6baa90b8bee7c28b81fa3fa6223d",
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
