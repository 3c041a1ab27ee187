"""Abstention: whether an answer says that the passages do not tell, and whether that is right. Paper silent.

An answer abstains if one of `phrases` stands in it, word for word after the paper's normalisation (A.2), and it has at
most `most_words` words: a long answer that says once that something is unknown still answers. An empty one says
nothing.
A prompt is unanswerable if its source has marked it (`answerable: false`). All verdicts are 0 or 1:

- `abstains`: the answer abstains;
- `prudence`: it abstains where it should; null on answerable prompts;
- `over_refusal`: it abstains where it should not, so less is better; null on unanswerable prompts;
- `abstention`: it abstains exactly where it should.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from reset.judges import Answer, Verdict, answerable
from reset.normalise import normalise, span_finder

TOLD, UNTOLD = "the passages hold the answer", "the passages do not hold the answer"


class Abstention:
    """Range {0, 1}. It judges answers to unanswerable prompts, too, which other judges do not see."""

    tasks = frozenset({"extractive_qa", "abstractive_qa"})
    unanswerable = True
    expected_nulls = frozenset({TOLD, UNTOLD})

    def __init__(
        self,
        *,
        name: str,
        phrases: Annotated[list[str], Field(min_length=1)],
        most_words: Annotated[int, Field(ge=1)],
    ) -> None:
        self._told, self._most_words = span_finder(phrases), most_words

    def verdicts(self, answers: Sequence[Answer]) -> Iterator[Verdict]:
        """Yield four verdicts per answer."""
        for answer in answers:
            abstains, should = self.abstains(answer.text), not answerable(answer.checks)
            said = float(abstains)
            yield Verdict(answer.answer_id, "abstains", said)
            yield Verdict(answer.answer_id, "prudence", said if should else None, None if should else TOLD)
            yield Verdict(answer.answer_id, "over_refusal", None if should else said, UNTOLD if should else None)
            yield Verdict(answer.answer_id, "abstention", float(abstains == should))

    def abstains(self, text: str) -> bool:
        """Whether a text says that the passages do not tell."""
        return self._told(text) and len(normalise(text, articles=True).split()) <= self._most_words
