"""Natural Questions (Kwiatkowski et al. 2019) with the passages that DPR retrieved (Karpukhin et al. 2020).

https://github.com/facebookresearch/DPR, "retriever results": 100-word passages of Wikipedia (December 2018). Only their
text is used, not the title. DPR's biencoder files are read as well, with the positive, hard negative and negative
passages in this order.
"""

from collections.abc import Iterable, Iterator

from reset.sources import Example, Record, SetAside, Where
from reset.sources.fields import identity, text, texts
from reset.sources.retrieval import Choice, extractive, retrieved


class NaturalQuestions(Choice):
    """Keeps `max_passages` of the ranked passages, at least one with the answer. The options are those of `Choice`.

    Questions are filtered in every split. So the counts differ from the paper's: its dev count (8,757) is unfiltered,
    and its test count (13,368) is a slip.

    A record, with invented text:

        {"question": "who built the tower", "answers": ["Ada Lind"],
         "ctxs": [{"id": "1", "title": "Tower", "text": "Ada Lind built it.", "score": "81.2", "has_answer": true}]}
    """

    where = Where(
        urls={
            split: f"https://dl.fbaipublicfiles.com/dpr/data/retriever_results/single/nq-{split}.json.gz"
            for split in ("train", "dev", "test")
        },
        licence="CC BY-SA 3.0 (questions), CC BY-NC 4.0 (DPR's files)",
    )

    def outcomes(self, records: Iterable[Record]) -> Iterator[Example | SetAside]:
        """Turn raw records into examples."""
        return map(self._outcome, records)

    def _outcome(self, record: Record) -> Example | SetAside:
        question, answers = text(record, "question"), texts(record, "answers")
        return extractive(
            identity(record, ["example_id", "id", "question_id"], question, *answers),
            question,
            retrieved(record),
            answers,
            self,
        )
