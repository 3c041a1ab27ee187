"""MS MARCO v2.1 (Bajaj et al. 2016): questions to a search engine with well-formed answers, the "NLGEN" subset.

https://huggingface.co/datasets/microsoft/ms_marco: 153,725 of the training and 12,467 of the validation rows have one.
The official test rows have no answers, so validation is the test set; dev rows come out of train (`shares`).
"""

from collections.abc import Iterable, Iterator, Mapping

from reset.errors import ResetError
from reset.model.prompts import INSTRUCTIONS
from reset.sources import Example, Record, SetAside, Where
from reset.sources.fields import identity, rows, text, texts

MISSING = ("[]", "No Answer Present.")  # the original files write an empty list as the text "[]"


class MsMarco:
    """All passages unless `max_passages` (the paper says five, its Table 11 shows ten).

    `answer_field` is where the wanted answers stand: "wellFormedAnswers", or "answers" for the ready-made NLGEN rows.
    """

    where = Where(
        hub="microsoft/ms_marco",
        config="v2.1",
        revision="main",  # the commit it resolves to is recorded; pin it by `revision` in params.yaml
        splits={"train": "train", "test": "validation"},
        licence="non-commercial research",
    )

    def __init__(self, *, max_passages: int | None = None, answer_field: str = "wellFormedAnswers") -> None:
        self._max_passages, self._answer_field = max_passages, answer_field

    def unpack(self, document: Record) -> Iterator[Record]:
        """Yield the rows of an original file, which is one object of columns keyed by row number; a row as it is."""
        if not isinstance(document.get("query"), Mapping):
            yield document
            return
        columns = {name: column for name, column in document.items() if isinstance(column, Mapping)}
        for row in columns["query"]:
            try:
                yield {name: column[row] for name, column in columns.items()}
            except KeyError as error:
                raise ResetError(f"row {row} is not in all of the columns {', '.join(columns)}") from error

    def outcomes(self, records: Iterable[Record]) -> Iterator[Example | SetAside]:
        """Turn raw records into examples."""
        return map(self._outcome, records)

    def _outcome(self, record: Record) -> Example | SetAside:
        query = text(record, "query")
        passages = [text(passage, "passage_text") for passage in rows(record, "passages")]
        answers = [answer for answer in texts(record, self._answer_field) if answer.strip() not in MISSING]
        if not answers:
            return SetAside("no well-formed answer")
        task = "abstractive_qa"
        return Example(
            id=identity(record, ["query_id"], query, *answers),
            task=task,
            instruction=INSTRUCTIONS[task],
            question=query,
            passages=[passage for passage in passages if passage.strip()][: self._max_passages],
            references=answers,
        )
