"""The micro world's starting model: a LLaMA of less than a million parameters, pre-trained on the world's documents."""

import itertools
import random
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from reset.errors import ResetError
from reset.micro.corpus import documents, recall
from reset.micro.model import byte_tokenizer, language_model, vocabulary, word_tokenizer
from reset.runs.divergence import Limits
from reset.training.recipe import Recipe

Count = Annotated[int, Field(ge=1, le=10**9)]
TOKENIZERS = {"word": word_tokenizer, "byte": byte_tokenizer}


class MicroModel:
    """Pre-trains on `blocks` blocks of `block_tokens` tokens; `tokenizer` is `word` (the world's words) or `byte`."""

    def __init__(
        self,
        *,
        needs: Path,
        seed: int,
        tokenizer: Literal["word", "byte"],
        layers: Count,
        width: Count,
        heads: Count,
        max_tokens: Count,
        blocks: Count,
        block_tokens: Count,
        recipe: Recipe,
    ) -> None:
        if width % heads:
            raise ResetError(f"base: width {width} is no multiple of heads {heads}")
        self._seed, self._recipe = seed, recipe
        self._blocks, self._block_tokens = blocks, block_tokens
        self._tokenizer = TOKENIZERS[tokenizer](max_tokens)
        self._model = language_model(
            self._tokenizer, layers=layers, width=width, heads=heads, max_tokens=max_tokens, seed=seed
        )

    def build(self, into: Path, work: Path) -> dict[str, Any]:
        """Train, save to `into` and return metrics; checkpoints in `work` let a killed run resume."""
        from reset.training.loop import fit, rendezvous  # with TRL and DeepSpeed: seconds that `check` can do without
        from reset.training.sft import supervised

        rows = packed(self._tokenizer, self._seed, self._blocks, self._block_tokens)
        rendezvous()
        limits = Limits(rise=2.0, window=20)
        options: dict[str, Any] = {
            "work": work,
            "seed": self._seed,
            "limits": limits,
            "build": supervised,
            "save_minutes": 1.0,
        }
        log = fit(self._model, self._tokenizer, rows, [], self._recipe, into, **options)
        return {
            "parameters": sum(weights.numel() for weights in self._model.parameters()),
            "tokens": self._blocks * self._block_tokens,
            "loss": log[-1]["loss"],
            "recall_accuracy": recall_accuracy(self._model, self._tokenizer),
        }


def packed(tokenizer: PreTrainedTokenizerFast, seed: int, blocks: int, block_tokens: int) -> list[dict[str, list[int]]]:
    """Pack documents, each after a BOS, into blocks of `block_tokens` tokens; the loss covers every token."""
    texts = documents(seed, [piece.strip() for piece in vocabulary() if piece.strip().isalpha()])
    stream = (
        token for text in texts for token in [tokenizer.bos_token_id, *tokenizer.encode(text, add_special_tokens=False)]
    )
    packs = (list(itertools.islice(stream, block_tokens)) for _ in range(blocks))
    return [{"input_ids": block, "labels": block} for block in packs]


def recall_accuracy(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, exercises: int = 100) -> float:
    """Return the fraction of tokens predicted right where a recall exercise repeats a line.

    It shows whether the model has learned to copy from its context.
    """
    rng = random.Random("recall probe")  # nosec B311: draws to repeat
    words = [piece.strip() for piece in vocabulary() if piece.strip().isalpha()]
    right: list[bool] = []
    model.train(False)
    for _ in range(exercises):
        lines, repeated = recall(rng, words, repeats=1)
        context = [tokenizer.bos_token_id, *tokenizer.encode(" ".join(lines), add_special_tokens=False)]
        line = tokenizer.encode(repeated[0], add_special_tokens=False)
        key_tokens = len(tokenizer.encode(repeated[0].split()[0], add_special_tokens=False))
        with torch.inference_mode():
            logits = model(torch.tensor([context + line])).logits[0]  # (tokens, vocabulary)
        predicted = logits[len(context) + key_tokens - 1 : -1].argmax(dim=-1).tolist()
        right += [a == b for a, b in zip(predicted, line[key_tokens:], strict=True)]
    return sum(right) / len(right)
