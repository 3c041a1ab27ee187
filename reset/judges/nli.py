"""A three-way NLI model over many sentence pairs: each distinct pair once, sorted by length, no gradients.

Float32, or bfloat16 where that is allowed and changes no probability of a sample of pairs by more than `MAX_CHANGE`.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from inspect import signature
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from reset.errors import ResetError

Pair = tuple[str, str]  # premise, hypothesis
Columns = Mapping[str, list[list[int]]]  # input name -> tokens of each pair
MAX_CHANGE = 1e-3
SAMPLE = 64  # pairs of each call, of all lengths, that both precisions score
LABELS = ("entailment", "contradiction", "neutral")  # in the order of a SummaC image


def label_order(label2id: Mapping[str, int], model: str) -> list[int]:
    """Find the model's output columns in the order of `LABELS`, by name."""
    found = {name.lower(): column for name, column in label2id.items()}
    if missing := [name for name in LABELS if name not in found]:
        raise ResetError(f"{model}: no label '{missing[0]}' in the model's label2id; it has {', '.join(label2id)}")
    return [found[name] for name in LABELS]


class Nli:
    """A model from a folder or hub id; batches hold at most `batch_tokens` tokens, padding counted.

    With `bfloat16` each call decides anew whether the lighter numbers are close enough for its own pairs.
    """

    def __init__(self, model: str, *, batch_tokens: int, bfloat16: bool = False) -> None:
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(model, trust_remote_code=False)
            loaded = AutoModelForSequenceClassification.from_pretrained(
                model, dtype=torch.float32, use_safetensors=True, trust_remote_code=False
            )
        except (OSError, ValueError) as error:
            raise ResetError(f"{model}: no NLI model could be loaded ({str(error).splitlines()[0]})") from error
        self._columns = label_order(loaded.config.label2id, model)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._model = loaded.to(self._device).eval()
        self._light = copy.deepcopy(self._model).to(torch.bfloat16) if bfloat16 else None
        self._inputs = set(signature(loaded.forward).parameters)
        self._batch_tokens = batch_tokens
        self._tokenizer.padding_side = "right"  # decoders are read at their last token that is no padding
        self._tokenizer.pad_token = self._tokenizer.pad_token or self._tokenizer.eos_token
        if self._tokenizer.pad_token is None:
            raise ResetError(f"{model}: the tokenizer has neither a padding nor an end token")
        if loaded.config.pad_token_id is None:
            loaded.config.pad_token_id = self._tokenizer.pad_token_id
        places = getattr(loaded.config, "max_position_embeddings", None) or 500
        self._max_length = min(500, places, self._tokenizer.model_max_length)  # 500: summac's own limit

    def probabilities(self, pairs: Sequence[Pair]) -> dict[Pair, np.ndarray]:
        """Return entailment, contradiction and neutral probability of each distinct pair, rounded to six digits."""
        distinct = sorted(set(pairs))
        if not distinct:
            return {}
        encoded = self._tokenizer(
            [pair[0] for pair in distinct],
            [pair[1] for pair in distinct],
            truncation=True,
            max_length=self._max_length,
        )
        lengths = [len(ids) for ids in encoded["input_ids"]]
        columns = {key: values for key, values in encoded.items() if key in self._inputs}
        model = self._chosen(columns, lengths)
        found: dict[Pair, np.ndarray] = {}
        for rows in batches(lengths, self._batch_tokens):
            for row, scores in zip(rows, self._forward(model, columns, rows), strict=True):
                found[distinct[row]] = scores
        return found

    def _chosen(self, columns: Columns, lengths: Sequence[int]) -> Any:
        """The lighter model where it is allowed and close enough."""
        if self._light is None:
            return self._model
        by_length = sorted(range(len(lengths)), key=lambda row: (lengths[row], row))
        sample = by_length[:: -(-len(by_length) // SAMPLE)]
        for rows in batches([lengths[row] for row in sample], self._batch_tokens):
            members = [sample[row] for row in rows]
            full, light = (self._forward(model, columns, members) for model in (self._model, self._light))
            if np.abs(full - light).max() > MAX_CHANGE:
                return self._model
        return self._light

    def _forward(self, model: Any, columns: Columns, rows: Sequence[int]) -> np.ndarray:
        batch = {key: [values[row] for row in rows] for key, values in columns.items()}
        padded = self._tokenizer.pad(batch, return_tensors="pt").to(self._device)
        with torch.inference_mode():
            logits = model(**padded).logits  # (pairs, labels)
        shares: np.ndarray = logits.float().softmax(dim=-1)[:, self._columns].double().cpu().numpy()
        return shares.round(6)


def batches(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Group row numbers by length; a batch holds at most `batch_tokens` tokens, padding counted, or a single row."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: (-lengths[row], row)):
        if batch and (len(batch) + 1) * lengths[batch[0]] > batch_tokens:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
