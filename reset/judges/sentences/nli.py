"""An NLI model over many sentence pairs: each distinct pair once, sorted by length, no gradients.

It runs in float32 or in bfloat16; `checked` means in bfloat16 where that changes no probability of a sample of pairs by
more than `MAX_CHANGE`, else in float32. Each sentence is tokenised once, however many pairs it is in.
`reset.judges.sentences.encoders` makes the model faster.
"""

import copy
from collections.abc import Collection, Iterable, Mapping, Sequence
from inspect import signature
from typing import Any

import numpy as np
import torch

from reset.errors import ResetError, nearest
from reset.judges.chat_rows import apart, special_tokens
from reset.judges.sentences.batches import batches, padded
from reset.judges.sentences.encoders import lighten
from reset.judges.sentences.scripts import Scripts
from reset.runs.lean_imports import without

with without("scipy", "sklearn"):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

Pair = tuple[str, str]  # premise, hypothesis
Columns = Mapping[str, Sequence[Sequence[int]]]  # input name -> one number per token, of each pair
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "checked": torch.float32}  # as loaded
MAX_CHANGE = 1e-3
SAMPLE = 64  # pairs of each call, spread over all lengths, scored in both precisions
FIELDS = {"input_ids": "ids", "token_type_ids": "type_ids", "attention_mask": "attention_mask"}  # in an encoding  # nosec B105
LABELS = ("entailment", "contradiction", "neutral")  # in the order of a SummaC image
OTHER_NAMES = {"supports": "entailment", "refutes": "contradiction", "not enough info": "neutral"}  # FEVER, VitaminC


def label_order(
    id2label: Mapping[int, str],
    model: str,
    labels: Mapping[str, int | str] | None = None,
    needed: Collection[str] = LABELS[:1],
) -> list[int | None]:
    """Return the model's output column of each of `LABELS`; None for one that it lacks and that is not `needed`.

    `id2label` is that of the model's configuration, the one mapping that transformers always fills. `labels` (one of
    `LABELS` -> the model's own name for it, or its column) comes before it.
    Raises `ResetError` for a label that is needed and not found.
    """
    label2id = {name: number for number, name in id2label.items()}
    columns: dict[str, int] = {OTHER_NAMES.get(name.lower(), name.lower()): number for name, number in label2id.items()}
    has = f"it has {', '.join(label2id)}"
    for name, label in (labels or {}).items():
        column = label2id.get(label) if isinstance(label, str) else label
        if name not in LABELS or column is None or column not in label2id.values():
            raise ResetError(
                f"{model}: `labels` of its judge says {{{name}: {label}}}: it maps one of {', '.join(LABELS)} to "
                f"a label of the model, or to its number; {has}"
            )
        columns[name] = column
    found = [columns.get(name) for name in LABELS]
    used = [column for column in found if column is not None]
    if missing := [name for name, column in zip(LABELS, found, strict=True) if column is None and name in needed]:
        hint = f"`labels` of its judge says which it is, as in {{{missing[0]}: {next(iter(label2id), 'LABEL_0')}}}"
        raise ResetError(f"{model}: no label '{missing[0]}' in the model's id2label; {has}. {hint}")
    if len(label2id) < 2 or len(set(used)) < len(used):
        raise ResetError(f"{model}: an NLI model has at least two labels, each with a column of its own; {has}")
    return found


class Nli:
    """A model from a folder or hub id; batches hold at most `batch_tokens` tokens, with padding.

    `dtype` is one of `DTYPES`; with `checked`, each call checks on its own pairs whether bfloat16 is close enough.
    `labels` and `needed` are those of `label_order`; `scripts` says what the model's tokenizer can read.
    """

    def __init__(
        self,
        model: str,
        *,
        batch_tokens: int,
        dtype: str = "float32",
        labels: Mapping[str, int | str] | None = None,
        needed: Collection[str] = LABELS[:1],
        any_script: bool = False,
    ) -> None:
        if dtype not in DTYPES:
            raise ResetError(f"Unknown dtype '{dtype}' of the NLI model {model}. {nearest(dtype, DTYPES)}")
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(model, trust_remote_code=False)  # nosec B615: a folder under models/
            loaded = AutoModelForSequenceClassification.from_pretrained(  # nosec B615: a folder under models/
                model, dtype=DTYPES[dtype], use_safetensors=True, trust_remote_code=False
            )
        except (OSError, ValueError) as error:
            raise ResetError(f"{model}: no NLI model could be loaded ({str(error).splitlines()[0]})") from error
        self._columns = label_order(loaded.config.id2label, model, labels, needed)
        self._special = special_tokens(self._tokenizer)
        self.scripts = Scripts(self._tokenizer, anything=any_script)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._model = loaded.to(self._device).eval()
        self._bfloat16_model = copy.deepcopy(self._model).to(torch.bfloat16) if dtype == "checked" else None
        for network in filter(None, (self._model, self._bfloat16_model)):
            lighten(network)
        parameters = signature(loaded.forward).parameters
        self._inputs = [name for name in self._tokenizer.model_input_names if name in parameters]
        self._batch_tokens = batch_tokens
        self._tokenizer.padding_side = "right"  # decoders are read at their last token before the padding
        self._tokenizer.pad_token = self._tokenizer.pad_token or self._tokenizer.eos_token
        if self._tokenizer.pad_token is None:
            raise ResetError(f"{model}: the tokenizer has neither a padding nor an end token")
        if loaded.config.pad_token_id is None:
            loaded.config.pad_token_id = self._tokenizer.pad_token_id
        positions = getattr(loaded.config, "max_position_embeddings", None) or 500
        self._max_length = min(500, positions, self._tokenizer.model_max_length)  # 500: summac's own limit

    def probabilities(self, pairs: Iterable[Pair]) -> dict[Pair, np.ndarray]:
        """Return the probabilities of each distinct pair, in the order of `LABELS`, rounded to six digits.

        That of a label which the model lacks is 0.
        """
        distinct = sorted(set(pairs))
        if not distinct:
            return {}
        columns = self._encoded(distinct)
        lengths = [len(ids) for ids in columns["input_ids"]]
        model = self._pick_model(columns, lengths)
        probabilities: dict[Pair, np.ndarray] = {}
        for rows in batches(lengths, self._batch_tokens):
            probabilities.update(zip((distinct[row] for row in rows), self._forward(model, columns, rows), strict=True))
        return probabilities

    def _encoded(self, pairs: Sequence[Pair]) -> Columns:
        """Return the model's inputs without padding; each distinct sentence is tokenised once, then joined in pairs."""
        fast = getattr(self._tokenizer, "backend_tokenizer", None)
        if fast is None:  # a slow tokenizer, in Python
            firsts, seconds = zip(*((apart(a, self._special), apart(b, self._special)) for a, b in pairs), strict=True)
            encoded = self._tokenizer(list(firsts), list(seconds), truncation=True, max_length=self._max_length)
            return {name: encoded[name] for name in self._inputs}
        sentences = list({sentence for pair in pairs for sentence in pair})
        fast.no_padding()
        fast.no_truncation()
        read = [apart(sentence, self._special) for sentence in sentences]
        tokens = dict(zip(sentences, fast.encode_batch(read, add_special_tokens=False), strict=True))
        fast.enable_truncation(self._max_length)
        encodings = [fast.post_process(tokens[premise], tokens[hypothesis]) for premise, hypothesis in pairs]
        return {name: [getattr(encoding, FIELDS[name]) for encoding in encodings] for name in self._inputs}

    def _pick_model(self, columns: Columns, lengths: Sequence[int]) -> Any:
        """Return the model; with `checked` the one in bfloat16 if it is close enough, else the one in float32."""
        if self._bfloat16_model is None:
            return self._model
        by_length = sorted(range(len(lengths)), key=lambda row: (lengths[row], row))
        sample = by_length[:: -(-len(by_length) // SAMPLE)]
        for rows in batches([lengths[row] for row in sample], self._batch_tokens):
            members = [sample[row] for row in rows]
            float32, bfloat16 = (self._forward(m, columns, members) for m in (self._model, self._bfloat16_model))
            if np.abs(float32 - bfloat16).max() > MAX_CHANGE:
                return self._model
        return self._bfloat16_model

    def _forward(self, model: Any, columns: Columns, rows: Sequence[int]) -> np.ndarray:
        """Return the probabilities of the pairs `rows`, (pairs, labels), in the order of `LABELS`."""
        fill = {"input_ids": self._tokenizer.pad_token_id, "token_type_ids": self._tokenizer.pad_token_type_id}
        inputs = {
            name: padded([values[row] for row in rows], fill.get(name, 0), self._max_length).to(self._device)
            for name, values in columns.items()
        }
        with torch.inference_mode():
            logits = model(**inputs).logits[: len(rows)]  # (pairs, labels)
        by_label = logits.float().softmax(dim=-1).double().cpu().numpy().T  # (labels, pairs)
        absent = np.zeros(len(rows))
        ordered = [absent if column is None else by_label[column] for column in self._columns]
        return np.stack(ordered, axis=1).round(6)
