"""Natural Questions (Kwiatkowski et al. 2019) with the passages DPR retrieved (Karpukhin et al. 2020).

https://github.com/facebookresearch/DPR, "retriever results"; Wikipedia of December 2018 in 100-word passages, of which
the text alone is used. Items of DPR's biencoder are read as well: positive, then hard negative, then negative passages.
"""

from collections.abc import Iterable, Iterator

from reset.sources import Example, Record, SetAside, Where
from reset.sources.fields import identity, text, texts
from reset.sources.retrieval import Choice, extractive, retrieved


class NaturalQuestions(Choice):
    """`max_passages` of the ranked, the answer among them; `search_deeper`, `mention`, `order`: see `Choice`.

    The filter holds in every split: of the paper's dev (8,757) and test (13,368) figures, the first is unfiltered and
    the second a slip, so no equality is to be expected.
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
