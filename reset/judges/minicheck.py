"""MiniCheck faithfulness judge (Tang et al. 2024): does some part of the document support each sentence of the answer?

Models, input and labels are those of the authors' program (github.com/Liyan06/MiniCheck): the document in parts of
whole sentences, `part</s>claim` as one text, the best support over the parts. Of a sequence-to-sequence model
(MiniCheck-Flan-T5-Large) the text starts with "predict: ", a part has about 500 words, and support is the share of "1"
against "0" as the reply's first token; of a classifier (MiniCheck-RoBERTa-Large, -DeBERTa-v3-Large) a part has about
400 tokens, and support is the second of its two labels.

The authors check one claim and leave to the user how sentences come together: the score is the mean over the answer's
sentences, in [0, 1]; `detail` has the best part's support of each, and whether it is above 0.5, their threshold. For QA
the question stands before the passages, as for SummaC. An empty answer is 0 with a reason.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import torch

from reset.errors import ResetError
from reset.judges import Answer, Verdict
from reset.judges.sentences.batches import batches, padded
from reset.judges.sentences.encoders import lighten
from reset.judges.sentences.texts import source, splitter
from reset.runs.lean_imports import without

with without("scipy", "sklearn"):
    from transformers import AutoConfig, AutoModelForSeq2SeqLM, AutoModelForSequenceClassification, AutoTokenizer

Pair = tuple[str, str]  # part of a document, claim
THRESHOLD = 0.5
AT_ONCE = 1000  # pairs whose tokens are in memory together
LOST_PLACES = {"bert": 0, "electra": 0, "roberta": 2, "xlm-roberta": 2}  # positions no token gets; others have none


class Checker:
    """A model from a folder or hub id: how probable it is that a part of a document supports a claim.

    `ResetError` for a folder without such a model. `max_tokens` limits a text; what is over it is cut at the end.
    """

    def __init__(self, model: str, *, batch_tokens: int, max_tokens: int) -> None:
        self._tokenizer, loaded, self.generates = _loaded(model)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._model = loaded.to(self._device).eval()
        lighten(self._model)
        self._tokenizer.padding_side = "right"
        self._batch_tokens, self._max_tokens = batch_tokens, max_tokens
        if (lost := LOST_PLACES.get(loaded.config.model_type)) is not None:
            self._max_tokens = min(max_tokens, loaded.config.max_position_embeddings - lost)
        self._columns = [0, 1]  # unsupported, supported
        if self.generates:  # 3 and 209 in T5's vocabulary
            self._columns = [self._tokenizer(said, add_special_tokens=False)["input_ids"][0] for said in "01"]

    def length(self, sentence: str) -> int:
        """Words, or tokens of a classifier, as parts are measured in."""
        if self.generates:
            return len(sentence.split())
        return len(self._tokenizer(sentence, add_special_tokens=False)["input_ids"])

    def support(self, pairs: Iterable[Pair]) -> dict[Pair, float]:
        """Return the probability of support of each distinct pair, rounded to six digits."""
        distinct = sorted(set(pairs), key=lambda pair: (len(pair[0]) + len(pair[1]), pair))
        found: dict[Pair, float] = {}
        for start in range(0, len(distinct), AT_ONCE):
            some = distinct[start : start + AT_ONCE]
            ids = self._encoded(some)
            for rows in batches([len(one) for one in ids], self._batch_tokens):
                said = self._forward([ids[row] for row in rows])
                found.update(zip((some[row] for row in rows), said, strict=True))
        return found

    def _encoded(self, pairs: Sequence[Pair]) -> list[list[int]]:
        between = self._tokenizer.eos_token or self._tokenizer.sep_token
        before = "predict: " if self.generates else ""
        texts = [before + between.join(text.replace(between, " ") for text in pair) for pair in pairs]  # text is data
        ids: list[list[int]] = self._tokenizer(texts, truncation=True, max_length=self._max_tokens)["input_ids"]
        return ids

    def _forward(self, rows: Sequence[Sequence[int]]) -> list[float]:
        inputs = {
            "input_ids": padded(rows, self._tokenizer.pad_token_id, self._max_tokens).to(self._device),
            "attention_mask": padded([[1] * len(row) for row in rows], 0, self._max_tokens).to(self._device),
        }
        with torch.inference_mode():
            if self.generates:
                first = torch.full_like(inputs["input_ids"][:, :1], self._model.config.decoder_start_token_id)
                logits = self._model(**inputs, decoder_input_ids=first).logits[:, 0]
            else:
                logits = self._model(**inputs).logits
        shares: list[float] = (
            logits[: len(rows), self._columns].float().softmax(dim=-1)[:, 1].double().cpu().numpy().round(6).tolist()
        )
        return shares


def _loaded(model: str) -> tuple[Any, Any, bool]:
    """Load a tokenizer and a model, and say whether that writes its answer."""
    try:
        config = AutoConfig.from_pretrained(model, trust_remote_code=False)
        generates = any("ConditionalGeneration" in name for name in config.architectures or ())
        kind = AutoModelForSeq2SeqLM if generates else AutoModelForSequenceClassification
        loaded = kind.from_pretrained(model, dtype=torch.float32, use_safetensors=True, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(model, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise ResetError(f"{model}: no MiniCheck model could be loaded ({str(error).splitlines()[0]})") from error
    if not generates and config.num_labels != 2:
        raise ResetError(f"{model}: MiniCheck has two labels, unsupported and supported; not {config.num_labels}")
    return tokenizer, loaded, generates


def parts(sentences: Iterable[str], lengths: Mapping[str, int], size: int) -> list[str]:
    """Join sentences to parts of at most `size`, or of one longer sentence; a line's end is one."""
    found: list[list[str]] = [[]]
    filled = 0
    for sentence in sentences:
        if filled + lengths[sentence] > size:
            found.append([])
            filled = 0
        found[-1].append(sentence)
        filled += lengths[sentence]
    texts = (" ".join(part).replace(" \n ", "\n").strip() for part in found)
    return [text for text in texts if text]


class MiniCheck:
    """Range [0, 1]. `model` is a folder or hub id; `part` is null for the authors' 500 words, or 400 tokens.

    `max_tokens` limits a part with its claim: 2,048 for Flan-T5 and DeBERTa, 512 for RoBERTa, where it ends anyway.
    """

    tasks = frozenset({"abstractive_qa", "summarization"})

    def __init__(
        self,
        *,
        name: str,
        model: str,
        batch_tokens: int,
        max_tokens: int = 2048,
        part: int | None = None,
        sentences: str = "untrained",
    ) -> None:
        self._name = name
        self._checker = Checker(model, batch_tokens=batch_tokens, max_tokens=max_tokens)
        self._size = part or (500 if self._checker.generates else 400)
        self._cut = splitter(sentences).tokenize
        self._parts = lru_cache(maxsize=256)(self._divided)  # the candidates of one prompt share their source

    def verdicts(self, answers: Sequence[Answer]) -> Iterator[Verdict]:
        """Yield one verdict per answer; null where the example has no passage."""
        asked = {answer.answer_id: self._claims(answer) for answer in answers}
        pairs = ((part, claim) for answer in answers for claim in asked[answer.answer_id] for part in self._of(answer))
        support = self._checker.support(pairs)
        for answer in answers:
            claims = asked[answer.answer_id]
            if not self._of(answer):
                yield Verdict(answer.answer_id, self._name, None, "the example has no passage")
            elif not claims:
                yield Verdict(answer.answer_id, self._name, 0.0, "empty answer")
            else:
                yield self._verdict(answer, claims, support)

    def _verdict(self, answer: Answer, claims: Sequence[str], support: Mapping[Pair, float]) -> Verdict:
        best = [max(support[part, claim] for part in self._of(answer)) for claim in claims]
        rows = [
            {"sentence": claim, "support": one, "supported": one > THRESHOLD}
            for claim, one in zip(claims, best, strict=True)
        ]
        return Verdict(answer.answer_id, self._name, sum(best) / len(best), detail={"sentences": rows})

    def _claims(self, answer: Answer) -> list[str]:
        return [claim for claim in self._cut(answer.text) if claim.strip()]

    def _of(self, answer: Answer) -> list[str]:
        return self._parts(source(answer)) if answer.passages else []

    def _divided(self, document: str) -> list[str]:
        lines = [self._cut(line) for line in document.split("\n")]
        sentences = [one for line in lines for one in (*line, "\n")][:-1]
        return parts(sentences, {one: self._checker.length(one) for one in sentences}, self._size)
