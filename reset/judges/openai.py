"""LLM-as-a-judge: an OpenAI-compatible server rates replies from 1 to 10 (paper 2.2 and A.1; Zheng et al. 2023).

The prompt is Table 5 with one difference: the fields stand between marks that carry a hash of what they hold, so that
no answer can close its own field and speak as the judge. Temperature 0, at most 512 tokens. Score: rating / 10, so 0.1
to 1.0; the paper says only that ratings are normalised to [0, 1]. A reply without a rating on the scale is null.

`rating_weak` is the same question to `weak_model`, the weaker rater of ReSet-S (5.1), for training prompts only.
"""

import asyncio
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import openai

from reset.errors import ResetError
from reset.judges import Answer, Verdict

_TEMPLATE = Path(__file__).with_name("rating.txt").read_text(encoding="utf-8")
_RATING = re.compile(r"\[\[\s*(\d+(?:\.\d+)?)\s*\]\]")
_MAX_TOKENS = 512  # paper 2.2
# not one answer's fault: stop, so that a later run asks again
_UNUSABLE = (openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError, openai.RateLimitError)
_UNREACHABLE = (openai.APIConnectionError, openai.InternalServerError)


def parse(reply: str) -> float | None:
    """Find the last rating in the asked format, from 1 to 10; None where there is none or it is off the scale."""
    found = _RATING.findall(reply)
    rating = float(found[-1]) if found else 0.0
    return rating if 1 <= rating <= 10 else None


def render(answer: Answer) -> str:
    """Table 5 with the question and the answer filled in."""
    question = "\n".join(part for part in (answer.instruction, answer.question) if part)
    fence = hashlib.sha256(f"{question}\n{answer.text}".encode()).hexdigest()[:16]
    return _TEMPLATE.format(fence=fence, question=question, answer=answer.text)


def _verdict(answer: Answer, name: str, reply: str) -> Verdict:
    rating = parse(reply)
    if rating is None:
        return Verdict(answer.answer_id, name, None, "no rating from 1 to 10 in the reply", {"reply": reply})
    return Verdict(answer.answer_id, name, rating / 10, detail={"rating": rating, "reply": reply})


class OpenAIRater:
    """Range [0.1, 1.0]. The key comes from the environment variable OPENAI_API_KEY and from nowhere else.

    An answer that the server refuses or that times out is null; a server that cannot be used stops the run.
    """

    tasks = frozenset({"instruction"})

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        model: str,
        weak_model: str | None,
        concurrency: int,
        timeout_s: float,
        max_retries: int,
    ) -> None:
        if not os.environ.get("OPENAI_API_KEY"):
            raise ResetError(f"judge '{name}' needs a key in the environment variable OPENAI_API_KEY")
        self._models = {"rating": model} | ({"rating_weak": weak_model} if weak_model else {})
        self._base_url, self._concurrency = base_url, concurrency
        self._timeout_s, self._max_retries = timeout_s, max_retries

    def verdicts(self, answers: Sequence[Answer]) -> Iterator[Verdict]:
        """Yield `rating`, and `rating_weak` of training prompts, asking `concurrency` questions at a time."""
        questions = [
            (answer, name) for answer in answers for name in self._models if name == "rating" or answer.split == "train"
        ]
        yield from asyncio.run(self._rate(questions))

    async def _rate(self, questions: Sequence[tuple[Answer, str]]) -> list[Verdict]:
        turns = asyncio.Semaphore(self._concurrency)
        async with openai.AsyncOpenAI(
            base_url=self._base_url, timeout=self._timeout_s, max_retries=self._max_retries
        ) as client:

            async def rate(answer: Answer, name: str) -> Verdict:
                async with turns:
                    return await self._ask(client, answer, name)

            tasks = [asyncio.create_task(rate(answer, name)) for answer, name in questions]
            try:
                return list(await asyncio.gather(*tasks))
            finally:
                for task in tasks:  # those left over when one of them stopped the run
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, client: openai.AsyncOpenAI, answer: Answer, name: str) -> Verdict:
        try:
            completion = await client.chat.completions.create(
                model=self._models[name],
                messages=[{"role": "user", "content": render(answer)}],
                temperature=0.0,
                max_tokens=_MAX_TOKENS,
            )
        except openai.APITimeoutError:
            return Verdict(answer.answer_id, name, None, f"no reply within {self._timeout_s} s")
        except (*_UNUSABLE, *_UNREACHABLE) as error:
            message = str(error).splitlines()[0]
            raise ResetError(f"{self._base_url}: model '{self._models[name]}' cannot be asked ({message})") from error
        except openai.APIStatusError as error:
            return Verdict(answer.answer_id, name, None, f"the server refused (status {error.status_code})")
        return _verdict(answer, name, completion.choices[0].message.content or "")
