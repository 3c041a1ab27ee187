"""Claim-level faithfulness: the share of an answer's claims that its passages support, by an NLI model.

The measure of FActScore (Min et al. 2023, "FActScore: Fine-grained atomic evaluation of factual precision in long form
text generation"), with sentences, or with `clauses` their parts, as claims, and entailment as support. SummaC
(`reset.judges.summac`) has the mean entailment by single source sentences and MiniCheck (`reset.judges.minicheck`) the
mean support by parts of 500 words; here a claim counts whole or not at all, and may draw on `window` sentences in a
row.

A claim is supported if a window entails it with at least `threshold`. For QA the question stands before the passages.
Sentences are those that SummaC judges. In [0, 1]; `detail` has for each claim the window that entails it best. An empty
answer scores 0 with a reason; null, with a reason, where SummaC is.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from statistics import fmean
from typing import Annotated, Any, Literal

from pydantic import Field

from reset.judges import Answer, GroundedTasks, Verdict
from reset.judges.sentences.nli import LABELS, Nli
from reset.judges.sentences.scripts import unjudged
from reset.judges.sentences.texts import long_enough, source, splitter, windows

Count = Annotated[int, Field(ge=1)]
SHORTEST = 3  # words of a clause; a shorter one stays with the clause before it
_ENDS = re.compile(r"; |, (?=(?:and|but|while|whereas|although) )")


def clauses(sentence: str) -> list[str]:
    """Split a sentence behind "; " and before ", and", ", but", ", while", ", whereas" and ", although"."""
    groups: list[list[str]] = []  # the pieces of each clause
    words, start = 0, 0  # words of the last clause
    for end in [*(match.end() for match in _ENDS.finditer(sentence)), len(sentence)]:
        piece = sentence[start:end]
        own = len(piece.split())
        if groups and min(own, words) < SHORTEST:
            groups[-1].append(piece)
            words += own
        else:
            groups.append([piece])
            words = own
        start = end
    return ["".join(pieces).strip(" ,;") for pieces in groups]


class Claims:
    """Range [0, 1]. `model` is a folder or hub id of an NLI model; its options are those of judge `summac`.

    `threshold` is the least entailment of a supported claim, `window` the sentences in a row that may support it, of
    the first `max_doc_sents` of the source.
    """

    tasks = frozenset({"abstractive_qa", "summarization"})  # without the option `tasks`

    def __init__(
        self,
        *,
        name: str,
        model: str,
        batch_tokens: Count,
        threshold: Annotated[float, Field(gt=0, le=1)] = 0.5,
        window: Count = 3,
        clauses: bool = False,
        max_doc_sents: Count = 100,
        sentences: Literal["untrained", "english", "punkt_tab"] = "english",
        dtype: Literal["float32", "bfloat16", "checked"] = "float32",
        labels: Mapping[str, int | str] | None = None,
        any_script: bool = False,
        tasks: GroundedTasks | None = None,
    ) -> None:
        self.tasks = frozenset(tasks or self.tasks)
        self._name, self._threshold, self._clauses = name, threshold, clauses
        self._nli = Nli(
            model, batch_tokens=batch_tokens, dtype=dtype, labels=labels, needed=LABELS[:1], any_script=any_script
        )
        self._split, self._window, self._most = splitter(sentences).tokenize, window, max_doc_sents
        self._windows = lru_cache(maxsize=256)(self._windows_of)  # the answers to one prompt share their source

    def verdicts(self, answers: Sequence[Answer]) -> Iterator[Verdict]:
        """Yield one verdict per answer; null where the example has no passage, or where the judge cannot tell."""
        reasons = {answer.answer_id: unjudged(answer, self._nli.scripts) for answer in answers}
        claims = {a.answer_id: [] if reasons[a.answer_id] else self._claims(a.text) for a in answers}
        pairs = {
            (window, claim)
            for answer in answers
            for claim in claims[answer.answer_id]
            for window in self._windows(source(answer))
        }
        said = {pair: float(labels[0]) for pair, labels in self._nli.probabilities(pairs).items()}
        for answer in answers:
            if reason := reasons[answer.answer_id]:
                yield Verdict(answer.answer_id, self._name, None, reason)
            elif not claims[answer.answer_id]:
                yield Verdict(answer.answer_id, self._name, 0.0, "empty answer")
            else:
                yield self._verdict(answer, claims[answer.answer_id], said)

    def _verdict(self, answer: Answer, claims: Sequence[str], said: Mapping[tuple[str, str], float]) -> Verdict:
        rows: list[dict[str, Any]] = []
        for claim in claims:
            best = max(self._windows(source(answer)), key=lambda window: said[window, claim])
            entailment = said[best, claim]
            supported = entailment >= self._threshold
            rows.append({"sentence": claim, "source": best, "entailment": entailment, "supported": supported})
        score = fmean(row["supported"] for row in rows)
        return Verdict(answer.answer_id, self._name, score, detail={"sentences": rows})

    def _claims(self, text: str) -> list[str]:
        sentences = long_enough(self._split(text), text)
        return [claim for one in sentences for claim in (clauses(one) if self._clauses else [one])]

    def _windows_of(self, text: str) -> list[str]:
        return windows(long_enough(self._split(text), text)[: self._most], self._window)
