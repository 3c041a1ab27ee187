"""LLM-as-a-judge in the stage's own process: a language model from a folder rates replies from 1 to 10.

The question and the way a rating is read are those of `reset.judges.openai` (paper Table 5); no server and no key is
needed. The prompt is one user's message in the model's chat template. Decoding is greedy, at most 512 tokens (paper
2.2). The verdict is named like the row. Its score is rating / 10, so 0.1 to 1.0. Null, with a reason: the prompt does
not fit into the model, or the words are not finished or have no rating; `detail` keeps them.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from reset.engines import Completion, Request, in_process
from reset.judges import Answer, Verdict
from reset.judges.chat_rows import ids, require_template
from reset.judges.ratings import MAX_TOKENS, question_text, rated
from reset.llm import rating
from reset.model.tokens import load_tokenizer


class LlmRater:
    """Range [0.1, 1.0]. `engine` is vllm or transformers, `settings` are the options of its row in `sample.engines`.

    `model` is a folder. `arguments` are those of the chat template, such as {enable_thinking: false}.
    """

    tasks = frozenset({"instruction"})

    def __init__(
        self,
        *,
        name: str,
        model: str,
        engine: str,
        settings: dict[str, Any],
        arguments: dict[str, Any] | None = None,
    ) -> None:
        self._name, self._arguments = name, arguments or {}
        self._tokenizer = load_tokenizer(Path(model))
        require_template(self._tokenizer, model)
        self._engine = in_process.load(engine, Path(model), settings, where=f"judges.{name}.options")

    def verdicts(self, answers: Sequence[Answer]) -> Iterator[Verdict]:
        """Yield one verdict per answer, as each reply ends."""
        asked = {answer.answer_id: answer for answer in answers}
        for completion in self._engine.generate([self._request(answer) for answer in answers]):
            yield self._verdict(asked[completion.answer_id], completion)

    def _request(self, answer: Answer) -> Request:
        text = rating.render("rating.txt", question=question_text(answer), answer=answer.text)
        prompt = ids(self._tokenizer, [text], self._arguments, prompt=True)
        return Request(answer.answer_id, tuple(prompt), temperature=0.0, top_k=0, seed=0, max_tokens=MAX_TOKENS)

    def _verdict(self, answer: Answer, completion: Completion) -> Verdict:
        if completion.finish_reason.startswith("error"):
            return Verdict(answer.answer_id, self._name, None, completion.finish_reason)
        words = completion.text
        return rated(answer, self._name, words, completion.finish_reason, rating.rating, {"reply": words})
