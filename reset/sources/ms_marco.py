"""MS MARCO v2.1 (Bajaj et al. 2016): questions to a search engine with well-formed answers, the "NLGEN" subset.

https://huggingface.co/datasets/microsoft/ms_marco: 153,725 training and 12,467 validation rows have such an answer. The
official test rows have no answers, so validation is the test set, and dev rows are held out of train (`shares`).
"""

from collections.abc import Iterable, Iterator, Mapping

from reset.errors import ResetError
from reset.model.prompts import INSTRUCTIONS
from reset.sources import UNANSWERABLE, Example, Record, SetAside, Where
from reset.sources.fields import Most, Reply, identity, rows, text, texts

MISSING = ("[]", "No Answer Present.")  # the original files write an empty list as the text "[]"


class MsMarco:
    """Keeps all passages, or the first `max_passages` (the paper says five, its Table 11 shows ten).

    A query without an answer is set aside, or, with `unanswerable`, has that text as its reference: one whose `answers`
    are "No Answer Present.", as the annotators wrote; where only a well-formed answer lacks, it is set aside anyhow.
    `answer_field` is the field with the answers: "wellFormedAnswers", or "answers" in ready-made NLGEN files.

    A record, with invented text:

        {"query_id": 12, "query": "what is two", "query_type": "NUMERIC",
         "passages": {"is_selected": [0, 1], "passage_text": ["One.", "Two is a number."], "url": ["u", "v"]},
         "answers": ["a number"], "wellFormedAnswers": ["Two is a number."]}
    """

    where = Where(
        hub="microsoft/ms_marco",
        config="v2.1",
        revision="main",  # fetch records the commit; set `revision` in params.yaml to pin one
        splits={"train": "train", "test": "validation"},
        licence="non-commercial research",
    )

    def __init__(
        self,
        *,
        max_passages: Most | None = None,
        answer_field: str = "wellFormedAnswers",
        unanswerable: Reply | None = None,
    ) -> None:
        self._max_passages, self._answer_field = max_passages, answer_field
        self._unanswerable = unanswerable

    def unpack(self, document: Record) -> Iterator[Record]:
        """Yield the rows of an original file: one object of columns, each a mapping from row number to value.

        A document that is a row is yielded as it is.
        """
        if not isinstance(document.get("query"), Mapping):
            yield document
            return
        columns = {name: column for name, column in document.items() if isinstance(column, Mapping)}
        for row in {row: None for column in columns.values() for row in column}:
            try:
                yield {name: column[row] for name, column in columns.items()}
            except KeyError as error:
                raise ResetError(f"row {row} is missing from one of the columns {', '.join(columns)}") from error

    def outcomes(self, records: Iterable[Record]) -> Iterator[Example | SetAside]:
        """Turn raw records into examples."""
        return map(self._outcome, records)

    def _outcome(self, record: Record) -> Example | SetAside:
        query = text(record, "query")
        passages = [text(passage, "passage_text") for passage in rows(record, "passages")]
        answers = [answer for answer in texts(record, self._answer_field) if answer.strip() not in MISSING]
        checks = None if answers else UNANSWERABLE
        if not answers and self._unanswerable is not None and _nobody_answered(record):
            answers = [self._unanswerable]
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
            checks=checks,
        )


def _nobody_answered(record: Record) -> bool:
    """Whether the annotators wrote that the passages hold no answer."""
    return [answer.strip() for answer in texts(record, "answers")] == [MISSING[1]] if "answers" in record else False
