"""Sentences of an answer that are not trained, because a judge finds too little support for them in the passages.

A judge of sentences (`summac`, `claims`, `minicheck`) tells in its verdict's `detail` how well the passages support
each sentence of an answer. What it does not tell is trained: sentences of ten characters or fewer, answers that it does
not judge. A sentence is found where it stands in the answer word for word, behind the sentence before it. Unsupported
sentences with only blanks between them are one span.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reset.files import schemas, tables

WHOLLY = "no supported sentence"  # why an answer cannot win: nothing of it would be trained

Span = tuple[int, int]  # characters [start, end)


@dataclass(frozen=True)
class Mask:
    """Not trained are the sentences whose support, as the judge of `verdict` tells it, is less than `below`."""

    verdict: str
    below: float


@dataclass(frozen=True)
class Masked:
    """What a judge told of the sentences of an answer."""

    spans: tuple[Span, ...] = ()  # of the answer that is not trained
    judged: int = 0  # sentences
    unsupported: int = 0  # of these
    unplaced: int = 0  # of the unsupported, those that do not stand in the answer word for word, and are trained

    def wholly(self, text: str) -> bool:
        """Whether nothing but blanks of the answer `text` would be trained."""
        starts, ends = [0, *(end for _, end in self.spans)], [*(start for start, _ in self.spans), len(text)]
        return bool(self.spans) and not any(text[a:b].strip() for a, b in zip(starts, ends, strict=True))


def read(verdict_paths: Sequence[Path], texts: Mapping[str, str], mask: Mask) -> dict[str, Masked]:
    """Return, by answer id, what the judge of `mask` told of the answers `texts`; none of which it told nothing."""
    return {
        row["answer_id"]: place(texts[row["answer_id"]], said, mask.below)
        for path in verdict_paths
        for row in tables.read(path, schemas.VERDICTS)
        if row["name"] == mask.verdict and row["answer_id"] in texts and (said := list(_sentences(row["detail"])))
    }


def _sentences(detail: str | None) -> Iterator[tuple[str, float]]:
    """Yield the sentences that a verdict tells of, each with its support in [0, 1]."""
    for one in json.loads(detail or "{}").get("sentences", ()):
        if (support := one.get("entailment", one.get("support"))) is not None:
            yield one["sentence"], support


def place(text: str, said: Collection[tuple[str, float]], below: float) -> Masked:
    """Find the sentences of the answer `text` whose support is less than `below`."""
    spans: list[Span] = []
    at = unsupported = unplaced = 0
    for sentence, support in said:
        start = text.find(sentence, at)
        at = max(at, start + len(sentence)) if start >= 0 else at
        if support >= below:
            continue
        unsupported += 1
        if start < 0:
            unplaced += 1
        elif spans and not text[spans[-1][1] : start].strip():
            spans[-1] = (spans[-1][0], at)
        else:
            spans.append((start, at))
    return Masked(tuple(spans), len(said), unsupported, unplaced)


def figures(mask: Mask, kept: Sequence[Masked | None]) -> dict[str, float | str | int]:
    """Count what is not trained of the answers that became rows; None is an answer that was not judged by sentence."""
    told = [one for one in kept if one is not None]
    return {
        "verdict": mask.verdict,
        "below": mask.below,
        "answers": sum(bool(one.spans) for one in told),
        "answers_not_judged": len(kept) - len(told),
        "sentences": sum(one.unsupported - one.unplaced for one in told),
        "sentences_judged": sum(one.judged for one in told),
        "sentences_not_found": sum(one.unplaced for one in told),
    }
