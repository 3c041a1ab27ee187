"""A reward model as a judge: a sequence classifier with one output that scores a reply to an instruction.

Models such as Skywork-Reward-V2 (Liu et al. 2025) are trained on pairs by the Bradley-Terry model: sigmoid(r - s) is
the probability that a reply of reward r is preferred to one of reward s. The input is the conversation, instruction and
reply, in the chat template of the model's tokenizer, as their authors' programs write it. The passages stand behind the
instruction and the question.

The verdict is named like the row. Its score is sigmoid(reward / scale), in [0, 1]: with `scale` 1 the probability that
the reply is preferred to one of reward 0. Rewards above 10 are usual, which a scale of 1 would all make 1.00; the order
of replies does not depend on it. `detail` has the reward itself. An empty reply is read like any other. Null, with a
reason: the conversation is longer than `max_tokens`.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import torch
from pydantic import Field

from reset.errors import ResetError
from reset.judges import Answer, Tasks, Verdict
from reset.judges.chat_rows import ids, require_template
from reset.judges.ratings import with_context
from reset.judges.sentences.batches import batches, padded
from reset.runs.lean_imports import without

with without("scipy", "sklearn"):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer


Count = Annotated[int, Field(ge=1)]


class Reward:
    """Range [0, 1]. `model` is a folder or hub id; a batch holds at most `batch_tokens` tokens, with padding.

    `bfloat16` loads the weights in half the memory; rewards then have about three digits. `arguments` are those of the
    chat template.
    """

    tasks = frozenset({"instruction"})  # without the option `tasks`

    def __init__(
        self,
        *,
        name: str,
        model: str,
        batch_tokens: Count,
        max_tokens: Count,
        scale: Annotated[float, Field(gt=0)],
        bfloat16: bool = False,
        arguments: dict[str, Any] | None = None,
        tasks: Tasks | None = None,
    ) -> None:
        self.tasks = frozenset(tasks or self.tasks)
        if scale <= 0:
            raise ResetError(f"judges.{name}.options.scale must be above 0, is {scale:g}")
        self._name, self._scale, self._arguments = name, scale, arguments or {}
        self._batch_tokens, self._max_tokens = batch_tokens, max_tokens
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._tokenizer, loaded = _load(model, torch.bfloat16 if bfloat16 else torch.float32)
        self._model, self._pad = loaded.to(self._device).eval(), loaded.config.pad_token_id
        self._model.config.use_cache = False

    def verdicts(self, answers: Sequence[Answer]) -> Iterator[Verdict]:
        """Yield one verdict per answer."""
        rows = [ids(self._tokenizer, [with_context(a), a.text], self._arguments, prompt=False) for a in answers]
        fitting = [number for number, row in enumerate(rows) if len(row) <= self._max_tokens]
        rewards = dict(zip(fitting, self._rewards([rows[number] for number in fitting]), strict=True))
        for number, answer in enumerate(answers):
            if number not in rewards:
                yield Verdict(answer.answer_id, self._name, None, f"longer than {self._max_tokens} tokens")
            else:
                score = 0.5 + 0.5 * math.tanh(rewards[number] / self._scale / 2)  # sigmoid; never overflows
                yield Verdict(answer.answer_id, self._name, score, detail={"reward": round(rewards[number], 4)})

    def _rewards(self, rows: Sequence[Sequence[int]]) -> list[float]:
        """Return the reward of each conversation, in order; `batches` puts those of similar length together."""
        rewards = [0.0] * len(rows)
        for members in batches([len(row) for row in rows], self._batch_tokens):
            for number, reward in zip(members, self._forward([rows[number] for number in members]), strict=True):
                rewards[number] = reward
        return rewards

    def _forward(self, rows: Sequence[Sequence[int]]) -> list[float]:
        pad = self._pad if self._pad is not None else _unused(rows)
        self._model.config.pad_token_id = pad
        inputs = padded(rows, pad, self._max_tokens).to(self._device)
        mask = padded([[1] * len(row) for row in rows], 0, self._max_tokens).to(self._device)
        with torch.inference_mode():
            logits = self._model(input_ids=inputs, attention_mask=mask).logits[: len(rows), 0]  # (rows,)
        rewards: list[float] = logits.double().cpu().tolist()
        return rewards


def _unused(rows: Sequence[Sequence[int]]) -> int:
    """Return a token that is in none of `rows`.

    transformers takes the output at a row's last token that does not pad, and a turn may end with the end token.
    """
    used = {token for row in rows for token in row}
    return next(token for token in range(len(used) + 1) if token not in used)


def _load(model: str, dtype: torch.dtype) -> tuple[Any, Any]:
    """Load tokenizer and model; `ResetError` unless it is a model of one label whose tokenizer has a chat template."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(model, trust_remote_code=False)  # nosec B615: a folder under models/
        loaded = AutoModelForSequenceClassification.from_pretrained(  # nosec B615: a folder under models/
            model, dtype=dtype, use_safetensors=True, trust_remote_code=False
        )
    except (OSError, ValueError) as error:
        raise ResetError(f"{model}: no reward model could be loaded ({str(error).splitlines()[0]})") from error
    if loaded.config.num_labels != 1:
        raise ResetError(f"{model}: a reward model has one label, this one has {loaded.config.num_labels}")
    require_template(tokenizer, model)
    return tokenizer, loaded
