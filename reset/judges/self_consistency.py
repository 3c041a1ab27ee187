"""Self-consistency: how far an answer agrees with the pool's other answers to the same prompt. No reference is read.

The idea is that of SelfCheckGPT (Manakul et al. 2023, "SelfCheckGPT: Zero-resource black-box hallucination detection
for generative large language models"): what a model knows it says again, what it makes up differs between answers.

- Without a model: the mean ROUGE-L (`reset.judges.rouge`) with each other answer, the lexical similarity of Kuhn et al.
  (2023, "Semantic uncertainty").
- With an NLI model, after SelfCheckGPT-NLI: 1 minus the mean probability that another answer contradicts a sentence of
  this one, contradiction against entailment alone.

Equal answers count as often as they are in the pool. A reference that stands beside the answers is judged by how far
they agree with it, and is no other answer to any of them. In [0, 1]; an empty answer scores 0. Null, with a reason:
fewer than `OTHERS` other answers, as in every pool that answers once; or the answer has no words.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from reset.judges import TASKS, Answer, Tasks, Verdict
from reset.judges.rouge import rouge_l
from reset.normalise import rouge_words

OTHERS = 3  # fewer say nothing
FEW = f"fewer than {OTHERS} other answers to the prompt"
Agreement = Mapping[tuple[str, str], float]  # text, another text -> agreement in [0, 1]


class SelfConsistency:
    """Range [0, 1]. `tasks` are those whose answers are judged, all by default.

    `model` is an NLI model, a folder or hub id; `batch_tokens` and `labels` are as for judge `summac`.
    """

    expected_nulls = frozenset({FEW})
    compares_answers = True

    def __init__(
        self,
        *,
        name: str,
        model: str | None = None,
        tasks: Tasks | None = None,
        batch_tokens: Annotated[int, Field(ge=1)] = 16384,
        labels: Mapping[str, int | str] | None = None,
    ) -> None:
        self._name, self.tasks = name, frozenset(tasks or TASKS)
        self._contradictions = None
        if model is not None:
            from reset.judges.sentences.contradictions import Contradictions  # torch takes seconds to import

            self._contradictions = Contradictions(model, batch_tokens=batch_tokens, labels=labels)

    def verdicts(self, answers: Sequence[Answer]) -> Iterator[Verdict]:
        """Yield one verdict per answer; `answers` holds all texts of a pool that answer the same prompt."""
        prompts: dict[str, list[Answer]] = {}
        for answer in answers:
            prompts.setdefault(answer.example_id or answer.answer_id, []).append(answer)
        for group in prompts.values():
            yield from self._of_prompt(group)

    def _of_prompt(self, group: Sequence[Answer]) -> Iterator[Verdict]:
        sampled = sum(answer.copies for answer in group)
        agreement = self._agreement([answer.text for answer in group]) if sampled >= OTHERS else {}
        for answer in group:
            others = sampled - min(answer.copies, 1)
            if others < OTHERS:
                yield Verdict(answer.answer_id, self._name, None, FEW)
            elif not answer.text.strip():
                yield Verdict(answer.answer_id, self._name, 0.0, "empty answer")
            elif not rouge_words(answer.text):
                yield Verdict(answer.answer_id, self._name, None, "the answer has no words")
            else:
                yield self._verdict(answer, group, agreement, others)

    def _verdict(self, answer: Answer, group: Sequence[Answer], agreement: Agreement, others: int) -> Verdict:
        """Return the mean agreement; an answer agrees with its copies."""
        equal = max(answer.copies - 1, 0)
        agreed = equal + sum(
            other.copies * agreement[answer.text, other.text] for other in group if other.text != answer.text
        )
        detail = {"others": others, "equal": equal}
        return Verdict(answer.answer_id, self._name, min(1.0, round(agreed / others, 6)), detail=detail)

    def _agreement(self, texts: Sequence[str]) -> Agreement:
        pairs = [(one, other) for one in texts for other in texts if one != other]
        if self._contradictions:
            return self._contradictions.agreement(pairs)
        return {pair: rouge_l(pair[0], [pair[1]]) or 0.0 for pair in pairs}
