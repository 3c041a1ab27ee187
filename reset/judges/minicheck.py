"""MiniCheck faithfulness judge (Tang et al. 2024): does some part of the document support each sentence of the answer?

Models, input and labels are those of the authors' program (github.com/Liyan06/MiniCheck). The document is split into
parts of whole sentences; the input is `part</s>claim`; the support of a claim is the best over the parts.

- Sequence-to-sequence model (MiniCheck-Flan-T5-Large): the input starts with "predict: ", a part has about 500 words,
  and support is the probability of "1" against "0" as the reply's first token.
- Classifier (MiniCheck-RoBERTa-Large, -DeBERTa-v3-Large): a part has about 400 tokens, and support is the probability
  of the second of its two labels.

The authors check single claims. Here the score is the mean support over the answer's sentences, in [0, 1]; `detail` has
the support of each sentence, and whether it exceeds 0.5, the authors' threshold. For QA the question stands before the
passages, as for SummaC. An empty answer scores 0 with a reason; null, with a reason, where SummaC is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any

import torch
from pydantic import Field

from reset.errors import ResetError
from reset.judges import Answer, GroundedTasks, Verdict
from reset.judges.chat_rows import apart, special_tokens
from reset.judges.sentences.batches import batches, padded
from reset.judges.sentences.encoders import lighten
from reset.judges.sentences.scripts import Scripts, unjudged
from reset.judges.sentences.texts import source, splitter
from reset.model.tokens import AS_TEXT
from reset.runs.lean_imports import without

with without("scipy", "sklearn"):
    from transformers import AutoConfig, AutoModelForSeq2SeqLM, AutoModelForSequenceClassification, AutoTokenizer

Count = Annotated[int, Field(ge=1)]
Pair = tuple[str, str]  # part of a document, claim
THRESHOLD = 0.5
AT_ONCE = 1000  # pairs tokenised at a time
LOST_PLACES = {"bert": 0, "electra": 0, "roberta": 2, "xlm-roberta": 2}  # unusable positions; absent: no limit


class Checker:
    """The probability that a part of a document supports a claim, by a model from a folder or hub id.

    Raises `ResetError` if there is no such model. Inputs are truncated to `max_tokens`.
    """

    def __init__(self, model: str, *, batch_tokens: int, max_tokens: int, any_script: bool = False) -> None:
        self._tokenizer, loaded, self.generates = _load(model)
        self._special = special_tokens(self._tokenizer)
        self.scripts = Scripts(self._tokenizer, anything=any_script)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._model = loaded.to(self._device).eval()
        lighten(self._model)
        self._tokenizer.padding_side = "right"
        self._batch_tokens, self._max_tokens = batch_tokens, max_tokens
        if (lost := LOST_PLACES.get(loaded.config.model_type)) is not None:
            self._max_tokens = min(max_tokens, loaded.config.max_position_embeddings - lost)
        self._columns = [0, 1]  # unsupported, supported
        if self.generates:  # 3 and 209 in T5's vocabulary
            self._columns = [self._tokenizer(label, add_special_tokens=False)["input_ids"][0] for label in "01"]

    def length(self, sentence: str) -> int:
        """Return the length of a sentence as parts are measured: in words, or for a classifier in tokens."""
        if self.generates:
            return len(sentence.split())
        return len(self._tokenizer(sentence, **AS_TEXT)["input_ids"])

    def support(self, pairs: Iterable[Pair]) -> dict[Pair, float]:
        """Return the probability of support of each distinct pair, rounded to six digits."""
        distinct = sorted(set(pairs), key=lambda pair: (len(pair[0]) + len(pair[1]), pair))
        support: dict[Pair, float] = {}
        for start in range(0, len(distinct), AT_ONCE):
            block = distinct[start : start + AT_ONCE]
            ids = self._encoded(block)
            for rows in batches([len(row) for row in ids], self._batch_tokens):
                probabilities = self._forward([ids[row] for row in rows])
                support.update(zip((block[row] for row in rows), probabilities, strict=True))
        return support

    def _encoded(self, pairs: Sequence[Pair]) -> list[list[int]]:
        separator = self._tokenizer.eos_token or self._tokenizer.sep_token
        prefix = "predict: " if self.generates else ""
        # a special token in a text is characters: the separator there must not end its field
        texts = [prefix + separator.join(apart(text, self._special) for text in pair) for pair in pairs]
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
        probabilities: list[float] = (
            logits[: len(rows), self._columns].float().softmax(dim=-1)[:, 1].double().cpu().numpy().round(6).tolist()
        )
        return probabilities


def _load(model: str) -> tuple[Any, Any, bool]:
    """Load tokenizer and model; the third value says whether the model is sequence-to-sequence."""
    try:
        config = AutoConfig.from_pretrained(model, trust_remote_code=False)  # nosec B615: a folder under models/
        generates = any("ConditionalGeneration" in name for name in config.architectures or ())
        kind = AutoModelForSeq2SeqLM if generates else AutoModelForSequenceClassification
        loaded = kind.from_pretrained(model, dtype=torch.float32, use_safetensors=True, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(model, trust_remote_code=False)  # nosec B615: a folder under models/
    except (OSError, ValueError) as error:
        raise ResetError(f"{model}: no MiniCheck model could be loaded ({str(error).splitlines()[0]})") from error
    if not generates and config.num_labels != 2:
        raise ResetError(f"{model}: MiniCheck needs 2 labels (unsupported, supported), not {config.num_labels}")
    return tokenizer, loaded, generates


def parts(sentences: Iterable[str], lengths: Mapping[str, int], size: int) -> list[str]:
    """Join sentences to parts of at most `size`, or of one longer sentence; a line break counts as a sentence."""
    groups: list[list[str]] = [[]]
    filled = 0
    for sentence in sentences:
        if filled + lengths[sentence] > size:
            groups.append([])
            filled = 0
        groups[-1].append(sentence)
        filled += lengths[sentence]
    texts = (" ".join(group).replace(" \n ", "\n").strip() for group in groups)
    return [text for text in texts if text]


class MiniCheck:
    """Range [0, 1]. `model` is a folder or hub id; `part` is null for the authors' 500 words, or 400 tokens.

    `max_tokens` limits a part with its claim: 2,048 for Flan-T5 and DeBERTa; RoBERTa always stops at its 512 positions.
    """

    tasks = frozenset({"abstractive_qa", "summarization"})  # without the option `tasks`

    def __init__(
        self,
        *,
        name: str,
        model: str,
        batch_tokens: Count,
        max_tokens: Count = 2048,
        part: Count | None = None,
        sentences: str = "untrained",
        any_script: bool = False,
        tasks: GroundedTasks | None = None,
    ) -> None:
        self.tasks = frozenset(tasks or self.tasks)
        self._name = name
        self._checker = Checker(model, batch_tokens=batch_tokens, max_tokens=max_tokens, any_script=any_script)
        self._part_size = part or (500 if self._checker.generates else 400)
        self._split_sentences = splitter(sentences).tokenize
        self._parts = lru_cache(maxsize=256)(self._split_document)  # the answers to one prompt share their document

    def verdicts(self, answers: Sequence[Answer]) -> Iterator[Verdict]:
        """Yield one verdict per answer; null where the example has no passage, or where the judge cannot tell."""
        reasons = {answer.answer_id: unjudged(answer, self._checker.scripts) for answer in answers}
        claims_of = {a.answer_id: [] if reasons[a.answer_id] else self._claims(a) for a in answers}
        pairs = (
            (part, claim)
            for answer in answers
            for claim in claims_of[answer.answer_id]
            for part in self._parts_of(answer)
        )
        support = self._checker.support(pairs)
        for answer in answers:
            claims = claims_of[answer.answer_id]
            reason = reasons[answer.answer_id] or (None if self._parts_of(answer) else "the example has no passage")
            if reason:
                yield Verdict(answer.answer_id, self._name, None, reason)
            elif not claims:
                yield Verdict(answer.answer_id, self._name, 0.0, "empty answer")
            else:
                yield self._verdict(answer, claims, support)

    def _verdict(self, answer: Answer, claims: Sequence[str], support: Mapping[Pair, float]) -> Verdict:
        best = [max(support[part, claim] for part in self._parts_of(answer)) for claim in claims]
        rows = [
            {"sentence": claim, "support": probability, "supported": probability > THRESHOLD}
            for claim, probability in zip(claims, best, strict=True)
        ]
        return Verdict(answer.answer_id, self._name, sum(best) / len(best), detail={"sentences": rows})

    def _claims(self, answer: Answer) -> list[str]:
        return [claim for claim in self._split_sentences(answer.text) if claim.strip()]

    def _parts_of(self, answer: Answer) -> list[str]:
        return self._parts(source(answer)) if answer.passages else []

    def _split_document(self, document: str) -> list[str]:
        lines = [self._split_sentences(line) for line in document.split("\n")]
        sentences = [sentence for line in lines for sentence in (*line, "\n")][:-1]
        return parts(sentences, {sentence: self._checker.length(sentence) for sentence in sentences}, self._part_size)
