"""Extractive questions in the form of MRQA 2019 (Fisch et al. 2019), to which eighteen data sets were converted.

https://github.com/mrqa/MRQA-Shared-Task-2019

By default Natural Questions, of which this form is a hundredth as large as DPR's retriever results: its contexts are
the annotated paragraph alone. A row's `hub` names another set, such as lucadiliello/bioasqqa. Three layouts are read:
flat rows, as on the hub (`key`, or `qid` and `subset` in mrqa-workshop/mrqa), the original files, which hold the
questions of a context together (`qas`), and their first line, a header.

A context is one text with marks between its parts: documents ([DOC]), titles ([TLE]), paragraphs ([PAR]), and a title's
end ([SEP]). Each paragraph is a passage, without its title, as in Table 13. The tags of tables and lists in Natural
Questions (<P>, <Table>, <Tr>, ...) are left out.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reset.sources import Example, Record, SetAside, Where
from reset.sources.fields import identity, rows, text, texts
from reset.sources.retrieval import Choice, extractive, marked_passages

_TAGS = re.compile(r"</?(?:p|table|tr|td|th|ul|ol|li|dl|dd|dt|h[1-6])(?:_colspan=[^>]*)?>", re.IGNORECASE)


@dataclass(frozen=True)
class Mrqa(Choice):
    """Questions with a context; `lower_case` lowers the question. Other options: see `Choice`.

    A record of the flat layout, with invented text:

        {"key": "5a", "question": "where is the pump", "answers": ["hall 7"],
         "context": "[PAR] [TLE] Pumps [SEP] The pump is in hall 7. [PAR] [TLE] Halls [SEP] Hall 7 is cold."}
    """

    where = Where(
        hub="lucadiliello/naturalquestionsshortqa",
        revision="main",  # fetch records the commit; set `revision` in params.yaml to pin one
        splits={"train": "train", "test": "validation"},
        licence="CC BY-SA 3.0",
    )

    lower_case: bool = False

    def unpack(self, document: Record) -> Iterator[Record]:
        """Yield the questions of a context in the original files; a flat row and a header are yielded as they are."""
        if "qas" not in document:
            yield document
            return
        context = text(document, "context")
        yield from ({"context": context, **question} for question in rows(document, "qas"))

    def outcomes(self, records: Iterable[Record]) -> Iterator[Example | SetAside]:
        """Turn raw records into examples."""
        return map(self._outcome, records)

    def _outcome(self, record: Record) -> Example | SetAside:
        if "header" in record:
            return SetAside("header of its file")
        question, answers = text(record, "question"), texts(record, "answers")
        return extractive(
            identity(record, ["key", "qid", "id"], question, *answers),
            question.lower() if self.lower_case else question,
            marked_passages(_TAGS.sub(" ", text(record, "context"))),
            answers,
            self,
        )
