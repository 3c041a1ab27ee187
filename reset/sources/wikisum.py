"""WikiSum (Cohen et al. 2021): wikiHow articles with their summaries, held out.

https://huggingface.co/datasets/d0rj/wikisum: 35,775 train, 2,000 dev and 2,000 test rows. The paper cites Liu et al.
2018, but its test size and its Tables 7 and 14 match this data set.
"""

from collections.abc import Iterable, Iterator

from reset.errors import ResetError
from reset.model.prompts import INSTRUCTIONS
from reset.sources import Example, Record, SetAside, Where
from reset.sources.fields import identity, optional_text, text
from reset.sources.split_names import SPELLINGS, spelled


class WikiSum:
    """One example per article. There are no options. In the original file the field `fold` names the split.

    A record, with invented text:

        {"url": "https://x.example/Draw", "title": "How to Draw", "summary": "Take a pen and draw lines.",
         "article": "Take a pen. Draw a line. ...", "step_headers": "Take a pen."}
    """

    where = Where(
        hub="d0rj/wikisum",
        revision="main",  # fetch records the commit; set `revision` in params.yaml to pin one
        splits={"train": "train", "dev": "validation", "test": "test"},
        licence="CC BY-NC-SA 3.0",
    )

    def outcomes(self, records: Iterable[Record]) -> Iterator[Example | SetAside]:
        """Turn raw records into examples."""
        return map(self._outcome, records)

    def _outcome(self, record: Record) -> Example | SetAside:
        article, summary = text(record, "article"), text(record, "summary")
        fold = optional_text(record, "fold")
        if fold and spelled(fold) is None:
            raise ResetError(f"the field 'fold' must be one of {', '.join(SPELLINGS)}, is '{fold}'")
        if not summary.strip():
            return SetAside("no summary")
        task = "summarization"
        return Example(
            id=identity(record, ["url"], article, summary),
            task=task,
            instruction=INSTRUCTIONS[task],
            passages=[article],
            references=[summary],
            split=spelled(fold),
        )
