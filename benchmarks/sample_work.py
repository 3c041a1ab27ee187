"""What the sampling benchmark works on: a model, prompts, and the requests that the pipeline makes of them."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from reset.engines import Completion, Request
from reset.files import tables
from reset.micro import words
from reset.sampling import pieces, sample
from reset.sampling.decode_settings import arms

GRID = arms([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], [5, 10, 20, 50, 70, 90, 100], 1.0)  # preset `intent`
MAX_TOKENS, MAX_LENGTH, BATCH = 64, 512, 256


def pool() -> pieces.Pool:
    """Two sweeps: 14 answers to a prompt."""
    return pieces.Pool("benchmark", GRID, 2, 0, "micro", MAX_TOKENS, MAX_LENGTH - MAX_TOKENS)


def one_each(max_tokens: int) -> pieces.Pool:
    """One greedy answer to a prompt."""
    return pieces.Pool("benchmark", arms([0.0], [], 0.0), 1, 0, "micro", max_tokens, MAX_LENGTH - max_tokens)


def examples(count: int, words_most: int = 200) -> Iterator[tables.Row]:
    """Prompts of 10 to `words_most` words."""
    known = [*words.NAMES, *words.TOWNS, *words.ANIMALS]
    for number in range(count):
        draw = random.Random(number)
        text = " ".join(draw.choices(known, k=draw.randint(10, words_most)))
        plain = {"dataset": "made", "split": "train", "task": "abstractive_qa", "instruction": "answer."}
        row: tables.Row = {**plain, "example_id": f"made/train/{number}", "question": "who?", "passages": [text]}
        yield row | {"references": [], "checks": None}


def random_model(folder: Path, width: int = 128, ending: float = 3.5) -> Path:
    """A LLaMA of three layers over the micro world's words; the larger `ending` is, the sooner its answers end."""
    import torch

    from reset.micro.model import language_model, word_tokenizer

    tokenizer = word_tokenizer(MAX_LENGTH)
    made = language_model(tokenizer, layers=3, width=width, heads=4, max_tokens=MAX_LENGTH, seed=1)
    with torch.no_grad():
        made.model.embed_tokens.weight[tokenizer.eos_token_id] *= ending
    made.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tokenizing(model: Path) -> sample.Tokenize:
    """The pipeline's own way from a prompt to token ids."""
    from reset.model import tokens

    tokenizer = tokens.load_tokenizer(model)
    return lambda prompt, most: tokens.prompt_ids(tokenizer, prompt, most)


class Recorder:
    """An engine that keeps what it is asked."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def generate(self, requests: Sequence[Request]) -> Iterator[Completion]:
        """Answer nothing."""
        self.requests += requests
        return (Completion(request.answer_id, "", 0, "length", None) for request in requests)

    def seen(self, requests: Sequence[Request]) -> list[list[int]]:
        """The requests' own ids."""
        return [list(request.token_ids) for request in requests]


def requests(model: Path, rows: Sequence[tables.Row]) -> list[Request]:
    """What the pipeline would ask an engine for."""
    recorder = Recorder()
    list(sample.answer(list(rows), pool(), recorder, tokenizing(model)))
    return recorder.requests
