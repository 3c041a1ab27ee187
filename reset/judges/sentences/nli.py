"""A three-way NLI model over many sentence pairs: each distinct pair once, sorted by length, no gradients.

Float32, or bfloat16 where that is allowed and changes no probability of a sample of pairs by more than `MAX_CHANGE`.

A sentence is cut into tokens once, however many pairs it is in. What of the model need not be computed stands in
`reset.judges.sentences.encoders`.
"""

import copy
from collections.abc import Iterable, Mapping, Sequence
from inspect import signature
from typing import Any

import numpy as np
import torch

from reset.errors import ResetError
from reset.judges.sentences.batches import batches, padded
from reset.judges.sentences.encoders import lighten
from reset.runs.lean_imports import without

with without("scipy", "sklearn"):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

Pair = tuple[str, str]  # premise, hypothesis
Columns = Mapping[str, Sequence[Sequence[int]]]  # input name -> one number per token, of each pair
MAX_CHANGE = 1e-3
SAMPLE = 64  # pairs of each call, of all lengths, that both precisions score
FIELDS = {"input_ids": "ids", "token_type_ids": "type_ids", "attention_mask": "attention_mask"}  # of an encoding
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
        for one in filter(None, (self._model, self._light)):
            lighten(one)
        taken = signature(loaded.forward).parameters
        self._inputs = [name for name in self._tokenizer.model_input_names if name in taken]
        self._batch_tokens = batch_tokens
        self._tokenizer.padding_side = "right"  # decoders are read at their last token that is no padding
        self._tokenizer.pad_token = self._tokenizer.pad_token or self._tokenizer.eos_token
        if self._tokenizer.pad_token is None:
            raise ResetError(f"{model}: the tokenizer has neither a padding nor an end token")
        if loaded.config.pad_token_id is None:
            loaded.config.pad_token_id = self._tokenizer.pad_token_id
        places = getattr(loaded.config, "max_position_embeddings", None) or 500
        self._max_length = min(500, places, self._tokenizer.model_max_length)  # 500: summac's own limit

    def probabilities(self, pairs: Iterable[Pair]) -> dict[Pair, np.ndarray]:
        """Return entailment, contradiction and neutral probability of each distinct pair, rounded to six digits."""
        distinct = sorted(set(pairs))
        if not distinct:
            return {}
        columns = self._encoded(distinct)
        lengths = [len(ids) for ids in columns["input_ids"]]
        model = self._chosen(columns, lengths)
        found: dict[Pair, np.ndarray] = {}
        for rows in batches(lengths, self._batch_tokens):
            found.update(zip((distinct[row] for row in rows), self._forward(model, columns, rows), strict=True))
        return found

    def _encoded(self, pairs: Sequence[Pair]) -> Columns:
        """The model's inputs, not padded; each distinct sentence is cut once, then joined with its partners."""
        fast = getattr(self._tokenizer, "backend_tokenizer", None)
        if fast is None:  # a tokenizer in Python
            firsts, seconds = zip(*pairs, strict=True)
            encoded = self._tokenizer(list(firsts), list(seconds), truncation=True, max_length=self._max_length)
            return {name: encoded[name] for name in self._inputs}
        sentences = list({sentence for pair in pairs for sentence in pair})
        fast.no_padding()
        fast.no_truncation()
        cut = dict(zip(sentences, fast.encode_batch(sentences, add_special_tokens=False), strict=True))
        fast.enable_truncation(self._max_length)
        joined = [fast.post_process(cut[premise], cut[hypothesis]) for premise, hypothesis in pairs]
        return {name: [getattr(one, FIELDS[name]) for one in joined] for name in self._inputs}

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
        """Probabilities in the order of `LABELS` of the pairs `rows`, (pairs, labels)."""
        fill = {"input_ids": self._tokenizer.pad_token_id, "token_type_ids": self._tokenizer.pad_token_type_id}
        inputs = {
            name: padded([values[row] for row in rows], fill.get(name, 0), self._max_length).to(self._device)
            for name, values in columns.items()
        }
        with torch.inference_mode():
            logits = model(**inputs).logits[: len(rows)]  # (pairs, labels)
        shares: np.ndarray = logits.float().softmax(dim=-1)[:, self._columns].double().cpu().numpy()
        return shares.round(6)
