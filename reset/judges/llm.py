"""LLM-as-a-judge in the stage's own process: a language model from a folder rates replies from 1 to 10.

The question and the way a rating is read are those of `reset.judges.openai`: paper Table 5, or those of a prompt file.
No server and no key is needed. The prompt is one user's message in the model's chat template. Decoding is greedy, at
most 512 tokens (paper 2.2). The verdict is named like the row, or as the prompt file says. Null, with a reason: the
example lacks what the prompt shows, the prompt does not fit into the model, or the words are not finished or have no
rating; `detail` keeps them.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reset.engines import Completion, Request, in_process
from reset.judges import Answer, Verdict
from reset.judges.chat_rows import ids, require_template
from reset.judges.ratings import own, table_5
from reset.model.tokens import load_tokenizer


class LlmRater:
    """Range [0.1, 1.0], with a `prompt` (the name of a prompt file) [0, 1]. `engine` is vllm or transformers.

    `settings` are the options of the engine's row in `sample.engines`. `model` is a folder. `arguments` are those of
    the chat template, such as {enable_thinking: false}.
    """

    def __init__(
        self,
        *,
        name: str,
        model: str,
        engine: str,
        settings: dict[str, Any],
        arguments: dict[str, Any] | None = None,
        prompt: str | None = None,
    ) -> None:
        self._form, self._arguments = own(name, prompt) if prompt is not None else table_5(name), arguments or {}
        self.tasks = self._form.tasks
        self._tokenizer = load_tokenizer(Path(model))
        require_template(self._tokenizer, model)
        self._engine = in_process.load(engine, Path(model), settings, where=f"judges.{name}.options")

    @staticmethod
    def tasks_of(options: Mapping[str, Any]) -> frozenset[str]:
        """Return the tasks of the judge with these options, without its model."""
        return table_5("").tasks if options.get("prompt") is None else own("", options["prompt"]).tasks

    def verdicts(self, answers: Sequence[Answer]) -> Iterator[Verdict]:
        """Yield one verdict per answer, as each reply ends."""
        asked: dict[str, Answer] = {}
        for answer in answers:
            if reason := self._form.lacks(answer):
                yield Verdict(answer.answer_id, self._form.verdict, None, reason)
            else:
                asked[answer.answer_id] = answer
        for completion in self._engine.generate([self._request(answer) for answer in asked.values()]):
            yield self._verdict(asked[completion.answer_id], completion)

    def _request(self, answer: Answer) -> Request:
        prompt = ids(self._tokenizer, [self._form.prompt(answer)], self._arguments, prompt=True)
        most = self._form.max_tokens
        return Request(answer.answer_id, tuple(prompt), temperature=0.0, top_k=0, seed=0, max_tokens=most)

    def _verdict(self, answer: Answer, completion: Completion) -> Verdict:
        words, name = completion.text, self._form.verdict
        if completion.finish_reason.startswith("error"):
            return Verdict(answer.answer_id, name, None, completion.finish_reason)
        return self._form.rated(answer, name, words, completion.finish_reason, {"reply": words})
