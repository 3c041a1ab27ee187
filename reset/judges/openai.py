"""LLM-as-a-judge: an OpenAI-compatible server rates replies from 1 to 10 (paper 2.2 and A.1; Zheng et al. 2023).

`rating`: the prompt is Table 5, except for the delimiters around its fields (`reset.llm.rating`). Temperature 0, at
most 512 tokens. Score: rating / 10, so 0.1 to 1.0; the paper says only that ratings are normalised to [0, 1]. A reply
that is not finished, or has no rating on the scale, gives null; the reply is kept in `detail`.

`rating_weak` is the same question to `weak_model`, the weaker rater of ReSet-S (5.1), for training prompts only;
`weak_server` holds what its server has other than `server`.

`preference`, if `pairwise_model` is set: the answer against the example's reference, for test prompts only, with the
prompt of Zheng et al. (2023, Figure 5), asked in both orders. The score is the mean of the two replies: 1 if the answer
is preferred, 0.5 for a tie, 0 otherwise. Null without a reference or with an unreadable reply.

With `prompt`, a prompt file (`reset.judges.prompt_files`) takes the place of Table 5: its verdict on answers of its
tasks. There is then no weaker rater and no preference.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reset.errors import ResetError
from reset.judges import Answer, Read, Verdict
from reset.judges.ratings import MAX_TOKENS, Form, own, question_text, table_5, with_context
from reset.llm import Failure, Question, Reply, Server, client, rating, settings
from reset.llm.budget import Estimate, estimate
from reset.llm.key import api_key
from reset.llm.ledger import Ledger, location
from reset.llm.reply_text import unfinished

PLAIN = {"temperature": 0.0, "max_tokens": MAX_TOKENS}  # paper 2.2; `fields` of the server change them
_SWAPPED = {"A": 0.0, "B": 1.0, "C": 0.5}  # the answer is B
_STRAIGHT = {"A": 1.0, "B": 0.0, "C": 0.5}  # the answer is A

Replies = Mapping[str, Reply | Failure]


@dataclass(frozen=True)
class _Rater:
    """A model that rates, its server, the fields of a request, what it is asked, and how its replies are read."""

    model: str
    server: Server
    decoding: str
    form: Form


def _rater(judge: str, verdict: str, model: str, server: Server) -> _Rater:
    decoding = server.decoding(PLAIN | rating.structured(server.reply_format), judge=judge)
    parse = rating.json_rating if server.reply_format == "json_schema" else rating.rating
    return _Rater(model, server, decoding, table_5(verdict, parse))


def _own_rater(judge: str, prompt: str, model: str, server: Server) -> _Rater:
    """Return the rater who is asked a prompt file; its replies have the form that the file says."""
    form = own(judge, prompt)
    if server.reply_format != "text":
        raise ResetError(
            f"params.yaml: judges.{judge}.options.server.reply_format is {server.reply_format}, must be text: the "
            f"prompt file '{prompt}' says how a reply is read; `fields` may hold the server's own `response_format`"
        )
    return _Rater(model, server, server.decoding(PLAIN | {"max_tokens": form.max_tokens}, judge=judge), form)


class OpenAIRater:
    """Ratings are in [0.1, 1.0], preferences and verdicts of a `prompt` (the name of a prompt file) in [0, 1].

    The key comes from the environment variable OPENAI_API_KEY. Every reply is kept in the ledger and paid once.
    `server` holds the fields of `reset.llm.Server`. Temperature 0 and 512 tokens are sent unless its
    `fields` say otherwise.
    """

    def __init__(
        self,
        *,
        name: str,
        model: str,
        server: dict[str, Any],
        weak_model: str | None = None,
        pairwise_model: str | None = None,
        weak_server: dict[str, Any] | None = None,
        prompt: str | None = None,
    ) -> None:
        self._name, self._pool, self._pairwise_model = name, "", pairwise_model
        self._read: Read | None = None
        self._server = settings(server, judge=name, models=[one for one in (model, pairwise_model) if one])
        if prompt is not None and (weak_model or pairwise_model):
            raise ResetError(
                f"params.yaml: judges.{name}.options: weak_model and pairwise_model are asked the paper's questions; "
                f"with a prompt of your own they must be null, and another model is another row of judges"
            )
        first = (
            _rater(name, "rating", model, self._server)
            if prompt is None
            else _own_rater(name, prompt, model, self._server)
        )
        self._raters, self.tasks = {first.form.verdict: first}, first.form.tasks
        if weak_model:
            table = "weak_server" if weak_server else "server"
            weak = settings(server | (weak_server or {}), judge=name, models=[weak_model], table=table)
            self._raters["rating_weak"] = _rater(name, "rating_weak", weak_model, weak)
        self._pairwise_decoding = self._server.decoding(PLAIN, judge=name)

    def prepare(self, answers: Iterable[Answer], pool: str, read: Read | None = None) -> str:
        """Charge `pool` from now on, and ask only for verdicts in `read`; return one line with requests and cost."""
        self._check_key()
        self._pool = pool
        return str(self.estimate(answers, pool, read))

    def estimate(self, answers: Iterable[Answer], pool: str, read: Read | None = None) -> Estimate:
        """Estimate requests, tokens and cost of the `answers` of `pool`; needs no key."""
        self._read = read
        with Ledger(location()) as ledger:
            asked = (pair for answer in answers for pair in self.asked(answer))
            return estimate(asked, self._server.max_cost_usd, ledger, judge=self._name, pool=pool)

    def _check_key(self) -> None:
        if not api_key():
            raise ResetError(f"judge '{self._name}' needs a key in the environment variable OPENAI_API_KEY")

    def verdicts(self, answers: Sequence[Answer]) -> Iterator[Verdict]:
        """Yield `rating` or the prompt file's verdict, `rating_weak` of training and `preference` of test prompts.

        Verdicts that nothing reads (`prepare`) are neither asked for nor yielded.
        """
        self._check_key()
        by_server: dict[str, tuple[Server, list[Question]]] = {}
        for answer in answers:
            for question, server in self.asked(answer):
                by_server.setdefault(server.model_dump_json(), (server, []))[1].append(question)
        replies: dict[str, Reply | Failure] = {}
        with Ledger(location()) as ledger:
            for server, questions in by_server.values():
                replies |= client.ask(questions, server, ledger, judge=self._name, pool=self._pool)
        for answer in answers:
            for name, rater in self._asking(answer):
                reason = rater.form.lacks(answer)
                if reason:
                    yield Verdict(answer.answer_id, name, None, reason)
                else:
                    yield self._rating_verdict(answer, name, replies[self._question(answer, rater).key])
            if self._compares(answer):
                yield self._preference_verdict(answer, replies)

    def asked(self, answer: Answer) -> Iterator[tuple[Question, Server]]:
        """Yield all questions about an answer, each with the server that it goes to."""
        for _, rater in self._asking(answer):
            if not rater.form.lacks(answer):
                yield self._question(answer, rater), rater.server
        for question in self._pairwise_questions(answer):
            yield question, self._server

    def _reads(self, name: str, answer: Answer) -> bool:
        return self._read is None or self._read.wants(name, answer.sweep, answer.gold)

    def _compares(self, answer: Answer) -> bool:
        return bool(self._pairwise_model) and answer.split == "test" and self._reads("preference", answer)

    def _asking(self, answer: Answer) -> list[tuple[str, _Rater]]:
        """Return the verdict name and the rater of each rating that `answer` gets."""
        return [
            (name, rater)
            for name, rater in self._raters.items()
            if (name != "rating_weak" or answer.split == "train") and self._reads(name, answer)
        ]

    def _question(self, answer: Answer, rater: _Rater) -> Question:
        prompt = rater.form.prompt(answer)
        return Question(self._name, rater.model, prompt, rater.decoding, question_text(answer))

    def _pairwise_questions(self, answer: Answer) -> list[Question]:
        """Return the answer against the first reference, as A and then as B; empty if the answer is not compared."""
        if not (self._pairwise_model and answer.references and self._compares(answer)):
            return []
        sides = {"a": answer.text, "b": answer.references[0]}, {"a": answer.references[0], "b": answer.text}
        text, model, decoding = with_context(answer), self._pairwise_model, self._pairwise_decoding
        prompts = [rating.render("pairwise.txt", question=text, **side) for side in sides]
        return [Question(self._name, model, prompt, decoding, text) for prompt in prompts]

    def _rating_verdict(self, answer: Answer, name: str, reply: Reply | Failure) -> Verdict:
        if isinstance(reply, Failure):
            return _null_verdict(answer, name, reply)
        detail = {"reply": reply.text, "model": reply.served_model, "fingerprint": reply.fingerprint}
        return self._raters[name].form.rated(answer, name, reply.text, reply.finish_reason, detail)

    def _preference_verdict(self, answer: Answer, replies: Replies) -> Verdict:
        name = "preference"
        both = [replies[question.key] for question in self._pairwise_questions(answer)]
        if not both:
            return Verdict(answer.answer_id, name, None, "the example has no reference")
        for reply in both:
            if isinstance(reply, Failure):
                return _null_verdict(answer, name, reply)
        replies_read = [reply for reply in both if isinstance(reply, Reply)]
        texts = [reply.text for reply in replies_read]
        detail: dict[str, Any] = {"choices": [rating.choice(text) for text in texts], "replies": texts}
        for reply in replies_read:
            if reason := unfinished(reply.text, reply.finish_reason):
                return Verdict(answer.answer_id, name, None, reason, detail)
        sides = zip((_STRAIGHT, _SWAPPED), detail["choices"], strict=True)
        scores = [table[choice] for table, choice in sides if choice]
        if len(scores) < len(texts):
            return Verdict(answer.answer_id, name, None, "no choice of A, B or C in a reply", detail)
        return Verdict(answer.answer_id, name, sum(scores) / 2, detail=detail)


def _null_verdict(answer: Answer, name: str, failure: Failure) -> Verdict:
    """Return null with the reason, and behind a colon the server's own words."""
    reason = f"{failure.reason}: {failure.error}" if failure.error else failure.reason
    return Verdict(answer.answer_id, name, None, reason, {"error": failure.error} if failure.error else None)
