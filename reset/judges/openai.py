"""LLM-as-a-judge: an OpenAI-compatible server rates replies from 1 to 10 (paper 2.2 and A.1; Zheng et al. 2023).

`rating`: the prompt is Table 5 with one difference, the marks around its fields (`reset.llm.rating`). Temperature 0, at
most 512 tokens. Score: rating / 10, so 0.1 to 1.0; the paper says only that ratings are normalised to [0, 1]. A reply
without a rating on the scale is null, and kept.

`rating_weak` is the same question to `weak_model`, the weaker rater of ReSet-S (5.1), for training prompts only.

`preference`, where `pairwise_model` is named: the answer against the example's own, of test prompts alone, with the
prompt of Zheng et al. (2023, Figure 5), asked in both orders: 1 where both prefer the answer, 0 where both prefer the
other, else the mean of the two, a tie counting one half. Null without a reference or with an unreadable reply.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from reset.errors import ResetError
from reset.judges import Answer, Verdict
from reset.llm import Failure, Question, Reply, client, rating, settings
from reset.llm.budget import Estimate, estimate
from reset.llm.ledger import Ledger, location

_MAX_TOKENS = 512  # paper 2.2
_SWAPPED = {"A": 0.0, "B": 1.0, "C": 0.5}  # the answer stands second
_STRAIGHT = {"A": 1.0, "B": 0.0, "C": 0.5}

Replies = Mapping[str, Reply | Failure]


class OpenAIRater:
    """Ratings range over [0.1, 1.0], preferences over [0, 1]. The key is OPENAI_API_KEY's, from the environment alone.

    Every reply is kept in the ledger and none is paid twice; `server` is `reset.llm.Server`.
    """

    tasks = frozenset({"instruction"})

    def __init__(
        self,
        *,
        name: str,
        model: str,
        weak_model: str | None,
        pairwise_model: str | None,
        server: dict[str, Any],
    ) -> None:
        models = [one for one in (model, weak_model, pairwise_model) if one]
        self._name, self._pool, self._pairwise_model = name, "", pairwise_model
        self._models = {"rating": model} | ({"rating_weak": weak_model} if weak_model else {})
        self._server = settings(server, judge=name, models=models)
        plain = {"temperature": 0.0, "max_tokens": _MAX_TOKENS}
        self._plain = json.dumps(plain, sort_keys=True)
        self._rated = json.dumps(plain | rating.structured(self._server.reply_format), sort_keys=True)
        self._parse = rating.json_rating if self._server.reply_format == "json_schema" else rating.rating

    def prepare(self, answers: Iterable[Answer], pool: str) -> str:
        """Charge `pool` from now on, and say what its `answers` will take before anything is asked."""
        self._check_key()
        self._pool = pool
        return str(self.estimate(answers, pool))

    def estimate(self, answers: Iterable[Answer], pool: str) -> Estimate:
        """What the `answers` of `pool` will take; needs no key."""
        with Ledger(location()) as ledger:
            questions = (question for answer in answers for question in self._questions(answer))
            return estimate(questions, self._server, ledger, judge=self._name, pool=pool)

    def _check_key(self) -> None:
        if not os.environ.get("OPENAI_API_KEY"):
            raise ResetError(f"judge '{self._name}' needs a key in the environment variable OPENAI_API_KEY")

    def verdicts(self, answers: Sequence[Answer]) -> Iterator[Verdict]:
        """Yield `rating`, then `rating_weak` of training prompts and `preference` of test prompts."""
        self._check_key()
        questions = [question for answer in answers for question in self._questions(answer)]
        with Ledger(location()) as ledger:
            replies = client.ask(questions, self._server, ledger, judge=self._name, pool=self._pool)
        for answer in answers:
            for name, question in self._ratings(answer):
                yield self._rating(answer, name, replies[question.key])
            if self._pairwise_model and answer.split == "test":
                yield self._preference(answer, replies)

    def _questions(self, answer: Answer) -> list[Question]:
        return [question for _, question in self._ratings(answer)] + self._orders(answer)

    def _ratings(self, answer: Answer) -> list[tuple[str, Question]]:
        """Name of the verdict and question of each rating that `answer` gets."""
        prompt = rating.render("rating.txt", question=_asked(answer), answer=answer.text)
        return [
            (name, Question(self._name, model, prompt, self._rated))
            for name, model in self._models.items()
            if name == "rating" or answer.split == "train"
        ]

    def _orders(self, answer: Answer) -> list[Question]:
        """The answer first, then the answer second, against the first reference; none where it is not compared."""
        if not (self._pairwise_model and answer.split == "test" and answer.references):
            return []
        sides = {"a": answer.text, "b": answer.references[0]}, {"a": answer.references[0], "b": answer.text}
        prompts = [rating.render("pairwise.txt", question=_asked(answer), **side) for side in sides]
        return [Question(self._name, self._pairwise_model, prompt, self._plain) for prompt in prompts]

    def _rating(self, answer: Answer, name: str, reply: Reply | Failure) -> Verdict:
        if isinstance(reply, Failure):
            return _failed(answer, name, reply)
        points = self._parse(reply.text)
        said = {"reply": reply.text, "model": reply.served_model, "fingerprint": reply.fingerprint}
        if points is None:
            return Verdict(answer.answer_id, name, None, "no rating from 1 to 10 in the reply", said)
        return Verdict(answer.answer_id, name, points / rating.HIGH, detail={"rating": points, **said})

    def _preference(self, answer: Answer, replies: Replies) -> Verdict:
        name = "preference"
        found = [replies[question.key] for question in self._orders(answer)]
        if not found:
            return Verdict(answer.answer_id, name, None, "the example has no reference")
        for reply in found:
            if isinstance(reply, Failure):
                return _failed(answer, name, reply)
        texts = [reply.text for reply in found if isinstance(reply, Reply)]
        choices = [rating.choice(text) for text in texts]
        scores = [table[said] for table, said in zip((_STRAIGHT, _SWAPPED), choices, strict=True) if said]
        detail = {"choices": choices, "replies": texts}
        if len(scores) < len(choices):
            return Verdict(answer.answer_id, name, None, "no choice of A, B or C in a reply", detail)
        return Verdict(answer.answer_id, name, sum(scores) / 2, detail=detail)


def _asked(answer: Answer) -> str:
    return "\n".join(part for part in (answer.instruction, answer.question) if part)


def _failed(answer: Answer, name: str, failure: Failure) -> Verdict:
    return Verdict(answer.answer_id, name, None, failure.reason, {"error": failure.error} if failure.error else None)
