"""SearchQA (Dunn et al. 2017) as RobustQA uses it (Han et al. 2023): quiz clues with search results, held out.

https://huggingface.co/datasets/lucadiliello/searchqa

Three layouts are read: MRQA 2019's rows, as on the hub, the original files (`search_results`), and RobustQA's retrieval
results in DPR's layout. The snippets are the passages, without their titles, as in Table 13.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reset.sources import Example, Record, SetAside, Where
from reset.sources.fields import identity, optional_text, rows, text, texts
from reset.sources.retrieval import Choice, extractive, is_retrieval, marked_passages, retrieved


@dataclass(frozen=True)
class SearchQa(Choice):
    """Quiz clues; `lower_case` lowers the question, as RobustQA does. Other options: see `Choice`.

    A record of MRQA's layout, with invented text:

        {"key": "17a", "question": "This river flows to Ulm", "answers": ["the Oder"],
         "context": "[DOC] [TLE] Rivers [PAR] The Oder is long. [DOC] [TLE] Ports [PAR] Boats ..."}
    """

    where = Where(
        hub="lucadiliello/searchqa",
        revision="c1a979068ba118d85467179b704031d113d689cc",
        splits={"train": "train", "test": "validation"},
        licence="BSD-3-Clause; web snippets",
    )

    lower_case: bool = True

    def outcomes(self, records: Iterable[Record]) -> Iterator[Example | SetAside]:
        """Turn raw records into examples."""
        return map(self._outcome, records)

    def _outcome(self, record: Record) -> Example | SetAside:
        question = text(record, "question")
        answers = texts(record, "answers" if "answers" in record else "answer")
        return extractive(
            identity(record, ["key", "id"], question, *answers),
            question.lower() if self.lower_case else question,
            _passages(record),
            answers,
            self,
        )


def _passages(record: Record) -> Iterable[str]:
    """Return the snippets, best first, each on one line; results without a snippet are skipped."""
    if is_retrieval(record):
        return retrieved(record)
    if "search_results" not in record:
        return marked_passages(text(record, "context"))
    results = rows(record, "search_results")
    snippets = [optional_text(result, "snippets" if "snippets" in result else "snippet") for result in results]
    return [" ".join(snippet.split()) for snippet in snippets if snippet.strip()]
