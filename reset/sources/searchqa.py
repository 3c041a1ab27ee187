"""SearchQA (Dunn et al. 2017): quiz clues with search results, held out, as RobustQA uses it (Han et al. 2023).

Read from MRQA 2019's rows (https://huggingface.co/datasets/lucadiliello/searchqa, one string "[DOC] [TLE] title [PAR]
snippet ..."), the original files (`search_results`), or RobustQA's retrieval results in DPR's layout. Snippets alone
are passages, as in Table 13.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reset.sources import Example, Record, SetAside, Where
from reset.sources.fields import identity, optional_text, rows, text, texts
from reset.sources.retrieval import Choice, extractive, is_retrieval, retrieved

_TITLE = re.compile(r"^\s*\[TLE\].*?(\[PAR\]|$)", re.DOTALL)


@dataclass(frozen=True)
class SearchQa(Choice):
    """`max_passages`, `search_deeper`, `mention`, `order`: see `Choice`; `lower_case`: questions, as RobustQA does."""

    where = Where(
        hub="lucadiliello/searchqa",
        revision="main",  # the commit it resolves to is recorded; pin it by `revision` in params.yaml
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
    """Return the snippets, best first, each on one line; a result without one is passed over."""
    if is_retrieval(record):
        return retrieved(record)
    if "search_results" in record:
        results = rows(record, "search_results")
        found = [optional_text(result, "snippets" if "snippets" in result else "snippet") for result in results]
    else:
        found = [_TITLE.sub("", document) for document in text(record, "context").split("[DOC]")]
    return [" ".join(snippet.split()) for snippet in found if snippet.strip()]
