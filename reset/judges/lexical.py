"""Lexical judge: scores from word counts (paper 2.2 and A.2), all in [0, 1], in any script (`reset.normalise`).

- Extractive QA, after the normalisation of A.2: `exact_match` with any reference, and `span_coverage`, 1 if the answer
  is a span of whole tokens of one passage.
- Abstractive QA and summaries: `rouge_l`, the best over the references (`reset.judges.rouge`).
- All three tasks: `unigram_coverage` and `bigram_coverage`, the share of the answer's words and word pairs that occur
  in a passage (paper, Figures 9 and 10). For an answer of one word, both are about that word.
- Optional: `k_precision`, the share of the answer's words that match a word of the passages (Adlakha et al. 2024,
  "Evaluating correctness and faithfulness of instruction-following models for question answering"). Unlike in the
  unigram coverage, each word of the passages matches one word of the answer, so repetitions lower the score.

An answer without words scores 0, not null. Null, with a reason: references or passages that are absent or have no word.
Articles count as words only where a reference has no other, such as choice "A".
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

from reset.errors import ResetError, nearest
from reset.judges import Answer, Verdict
from reset.judges.rouge import rouge_l
from reset.normalise import comparable, normalise, only_articles, span_finder

REFERENCES = ("best", "first")


def exact_match(text: str, references: Sequence[str]) -> float:
    """1.0 if `text` equals a reference after normalisation, else 0.0.

    Texts of which the normalisation leaves nothing are compared as `reset.normalise.comparable` says.
    """
    key = comparable(text)
    return float(bool(key) and any(key == comparable(reference) for reference in references))


def span_coverage(text: str, passages: Sequence[str], *, articles: bool = False) -> float:
    """1.0 if `text` is a span of one of the passages after normalisation, else 0.0."""
    return float(bool(normalise(text, articles=articles)) and any(map(span_finder([text]), passages)))


def _grams(words: Sequence[str], size: int) -> list[tuple[str, ...]]:
    return [tuple(words[start : start + size]) for start in range(len(words) - size + 1)]


@lru_cache(maxsize=256)  # the answers to one prompt follow each other
def _context_grams(passages: tuple[str, ...], size: int, articles: bool) -> frozenset[tuple[str, ...]]:
    """Return the n-grams of the passages; none spans two passages."""
    words = (normalise(passage, articles=articles).split() for passage in passages)
    return frozenset(gram for passage in words for gram in _grams(passage, size))


def coverage(text: str, passages: Sequence[str], size: int, *, articles: bool = False) -> float:
    """Share of the answer's n-grams of `size` words that occur in a passage; shorter answers count as one n-gram."""
    words = normalise(text, articles=articles).split()
    if not words:
        return 0.0
    size = min(size, len(words))
    grams = _grams(words, size)
    given = _context_grams(tuple(passages), size, articles)
    return sum(gram in given for gram in grams) / len(grams)


@lru_cache(maxsize=256)
def _context_words(passages: tuple[str, ...], articles: bool) -> Counter[str]:
    return Counter(word for passage in passages for word in normalise(passage, articles=articles).split())


def k_precision(text: str, passages: Sequence[str], *, articles: bool = False) -> float:
    """Share of the answer's words that match a word of the passages; each of those matches once."""
    words = Counter(normalise(text, articles=articles).split())
    return (words & _context_words(tuple(passages), articles)).total() / words.total() if words else 0.0


class Lexical:
    """Scores from references and passages; null where an example has no reference, or no passage.

    `more` lists optional verdicts: `k_precision`. `references` is `best` or `first`: which reference counts.
    """

    tasks = frozenset({"extractive_qa", "abstractive_qa", "summarization"})

    def __init__(self, *, name: str, more: Sequence[str] = (), references: str = "best") -> None:
        if unknown := [verdict for verdict in more if verdict != "k_precision"]:
            raise ResetError(f"Unknown verdict '{unknown[0]}' (judges.{name}.options.more). Known: k_precision")
        if references not in REFERENCES:
            where = f"judges.{name}.options.references"
            raise ResetError(f"Unknown references '{references}' ({where}). {nearest(references, REFERENCES)}")
        self._more, self._max_references = tuple(more), 1 if references == "first" else None

    def verdicts(self, answers: Sequence[Answer]) -> Iterator[Verdict]:
        """Yield the task score, then the coverages, of each answer."""
        for answer in answers:
            yield from self._task_verdict(answer)
            yield from self._coverage_verdicts(answer)

    def _task_verdict(self, answer: Answer) -> Iterator[Verdict]:
        name, score = ("exact_match", exact_match) if answer.task == "extractive_qa" else ("rouge_l", rouge_l)
        if not answer.references:
            yield Verdict(answer.answer_id, name, None, "the example has no reference")
            return
        points = score(answer.text, answer.references[: self._max_references])
        yield Verdict(answer.answer_id, name, points, "the reference has no words" if points is None else None)

    def _coverage_verdicts(self, answer: Answer) -> Iterator[Verdict]:
        articles = any(map(only_articles, answer.references))
        scores = [
            ("unigram_coverage", coverage(answer.text, answer.passages, 1, articles=articles)),
            ("bigram_coverage", coverage(answer.text, answer.passages, 2, articles=articles)),
        ]
        if answer.task == "extractive_qa":
            scores.insert(0, ("span_coverage", span_coverage(answer.text, answer.passages, articles=articles)))
        if "k_precision" in self._more:
            scores.append(("k_precision", k_precision(answer.text, answer.passages, articles=articles)))
        reason = None if answer.passages else "the example has no passage"
        if answer.passages and not _context_words(tuple(answer.passages), True):
            reason = "the passages have no words"
        for name, points in scores:
            yield Verdict(answer.answer_id, name, None if reason else points, reason)
