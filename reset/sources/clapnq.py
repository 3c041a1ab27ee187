"""CLAPNQ (Rosenthal et al. 2024): real questions with a Wikipedia passage and a grounded answer in full sentences.

https://github.com/primeqa/clapnq, annotated data. It has an open licence and can replace MS MARCO; the paper does not
use it.
"""

from collections.abc import Iterable, Iterator

from reset.model.prompts import INSTRUCTIONS
from reset.sources import UNANSWERABLE, Example, Record, SetAside, Where
from reset.sources.fields import Most, Reply, identity, optional_text, rows, text

_FILES = "https://raw.githubusercontent.com/primeqa/clapnq/{revision}/annotated_data"


class ClapNq:
    """Keeps all passages, or the first `max_passages`; every annotator's answer is a reference.

    A question that nobody could answer is set aside, or, with `unanswerable`, has that text as its reference.

    A record, with invented text:

        {"id": "65607", "input": "how do bees dance",
         "passages": [{"title": "Bee", "text": "Bees waggle in the hive.", "sentences": ["Bees waggle in the hive."]}],
         "output": [{"answer": "They waggle in the hive.", "selected_sentences": ["Bees waggle in the hive."]}]}
    """

    where = Where(
        revision="eb26840d130f4dcf4c4c5c12a47d0beffc9cc586",
        urls={
            "train": f"{_FILES}/train/clapnq_train_answerable.jsonl",
            "test": f"{_FILES}/dev/clapnq_dev_answerable.jsonl",  # the official test part is hidden
        },
        splits={"train": "train", "test": "dev"},
        licence="Apache-2.0; Wikipedia text CC BY-SA 3.0",
    )

    def __init__(self, *, max_passages: Most | None = None, unanswerable: Reply | None = None) -> None:
        self._max_passages, self._unanswerable = max_passages, unanswerable

    def outcomes(self, records: Iterable[Record]) -> Iterator[Example | SetAside]:
        """Turn raw records into examples."""
        return map(self._outcome, records)

    def _outcome(self, record: Record) -> Example | SetAside:
        question = text(record, "input")
        passages = [text(passage, "text") for passage in rows(record, "passages")]
        answers = [optional_text(output, "answer") for output in rows(record, "output")]
        references = list(dict.fromkeys(answer for answer in answers if answer.strip()))
        if not references and self._unanswerable is None:
            return SetAside("unanswerable")
        task = "abstractive_qa"
        return Example(
            id=identity(record, ["id"], question, *references),
            task=task,
            instruction=INSTRUCTIONS[task],
            question=question,
            passages=passages[: self._max_passages],
            references=references or [self._unanswerable or ""],
            checks=None if references else UNANSWERABLE,
        )
