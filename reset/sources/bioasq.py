"""BioASQ (Tsatsaronis et al. 2015) as RobustQA uses it (Han et al. 2023): factoid and list questions, held out.

http://bioasq.org. RobustQA retrieves passages from PubMed abstracts, but publishes no data. Retrieval results in DPR's
layout are read. So are BioASQ's golden files, with their snippets as passages, which makes the task easier.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reset.sources import Example, Record, SetAside, Where
from reset.sources.fields import identity, rows, text, texts
from reset.sources.retrieval import Choice, answers_of, extractive, is_retrieval, retrieved

TYPES = ("factoid", "list")


@dataclass(frozen=True)
class BioAsq(Choice):
    """Factoid and list questions; `lower_case` lowers the question, as RobustQA does. Other options: see `Choice`.

    A record of a golden file, with invented text:

        {"id": "5a1", "type": "factoid", "body": "Which gene makes mice glow?",
         "exact_answer": [["GLO1", "glow gene"]], "ideal_answer": ["The GLO1 gene makes mice glow."],
         "snippets": [{"text": "Mice with GLO1 glow.", "document": "http://www.ncbi.nlm.nih.gov/pubmed/1"}]}
    """

    where = Where(
        licence="CC BY 2.5",
        how="register at bioasq.org (free), download the golden files of Task B, editions 2 to 9, and unpack them into "
        "a folder that `path` names; or name RobustQA's retrieval results",
    )

    lower_case: bool = True

    def unpack(self, document: Record) -> Iterator[Record]:
        """Yield the questions of a golden file; a single question as it is."""
        yield from rows(document, "questions") if "questions" in document else [document]

    def outcomes(self, records: Iterable[Record]) -> Iterator[Example | SetAside]:
        """Turn raw records into examples."""
        return map(self._outcome, records)

    def _outcome(self, record: Record) -> Example | SetAside:
        passages: Iterable[str]
        if is_retrieval(record):
            question, answers, passages = text(record, "question"), texts(record, "answers"), retrieved(record)
        else:
            kind, question = text(record, "type"), text(record, "body")
            if kind not in TYPES:
                return SetAside(f"{kind} question")
            answers = answers_of(record, "exact_answer")
            passages = list(dict.fromkeys(text(snippet, "text") for snippet in rows(record, "snippets")))
        return extractive(
            identity(record, ["id"], question, *answers),
            question.lower() if self.lower_case else question,
            passages,
            answers,
            self,
        )
