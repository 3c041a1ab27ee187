"""SummaC faithfulness judge (Laban et al. 2022; paper 2.2), sentence by sentence, for abstractive QA and summaries.

Sentence splitting, the image (the matrix of NLI probabilities of source and answer sentences) and its aggregation are
summac 0.0.4's own: max over source sentences, mean over answer sentences. `reset.judges.sentences.nli` replaces its
inference loop, which needs an older transformers.

The score of SummaC-ZS is the entailment; with `use_contradiction` (summac's default, not mentioned in the paper) minus
the contradiction, which is in [-1, 1]. The paper leaves the rest open. There are two presets; a row may override each
key:

- `reset`, ours: entailment only. Sentences of ten characters or fewer are dropped, as in summac, but a text with no
  other sentence counts as one sentence (`short: whole`). Scores below 0 become 0 (`below_zero: cut`), so that an empty
  answer (0 with a reason) never beats a contradicted one.
- `summac`, the package's behaviour: contradiction counts. An answer of short sentences only, or an empty one, scores 0
  (`short: drop`). The range is moved to [0, 1] by (score + 1) / 2 (`below_zero: shift`): 0 becomes 0.5, so such an
  answer beats a contradicted one.

With `conv`, a file of SummaC-Conv's weights, `reset.judges.sentences.conv` computes the score from the same image.

An NLI model needs a label for entailment, and one for contradiction only where that counts: models of two labels do.
`labels` names them where the model does not ({entailment: LABEL_0}).

Null, with a reason: the example has no passage; the answer has no words; the answer or its source is mostly in a script
that the model's tokenizer does not know (`reset.judges.sentences.scripts`; `any_script` switches that off).
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from reset.errors import ResetError, nearest
from reset.judges import Answer, GroundedTasks, Verdict
from reset.judges.sentences.conv import Conv
from reset.judges.sentences.nli import LABELS, Nli
from reset.judges.sentences.scripts import unjudged
from reset.judges.sentences.texts import SPLITTERS, long_enough, source, splitter, windows
from reset.runs.lean_imports import without

with without("scipy", "sklearn"):
    import summac.model_summac as reference

Count = Annotated[int, Field(ge=1)]
PRESETS: dict[str, dict[str, Any]] = {
    "reset": {"use_contradiction": False, "sentences": "untrained", "short": "whole", "below_zero": "cut"},
    "summac": {"use_contradiction": True, "sentences": "punkt_tab", "short": "drop", "below_zero": "shift"},
}
CHOICES = {"short": ("whole", "drop"), "below_zero": ("cut", "shift"), "sentences": SPLITTERS}


def settings(name: str, preset: str, own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of `preset`, overridden by those of `own` that are set; `ResetError` for unknown values."""
    if preset not in PRESETS:
        raise ResetError(f"Unknown preset '{preset}' (judges.{name}.options.preset). {nearest(preset, PRESETS)}")
    chosen = PRESETS[preset] | {key: value for key, value in own.items() if value is not None}
    for key, allowed in CHOICES.items():
        if chosen[key] not in allowed:
            where = "sentence splitter" if key == "sentences" else key
            raise ResetError(
                f"Unknown {where} '{chosen[key]}' (judges.{name}.options.{key}). {nearest(chosen[key], allowed)}"
            )
    return chosen


class Imager(reference.SummaCImager):  # type: ignore[misc]  # summac has no types
    """summac's imager with our NLI inference."""

    def __init__(
        self, nli: Nli, sentences: Any, max_doc_sents: int, *, keep_short: bool = True, window: int = 1
    ) -> None:
        super().__init__(granularity="sentence", use_cache=False, max_doc_sents=max_doc_sents, device="cpu")
        self._nli, self._keep_short, self._window = nli, keep_short, window
        self._split = lru_cache(maxsize=None)(sentences.tokenize)  # the answers to one prompt share their source

    def forget(self) -> None:
        """Clear the cache of split texts: those of other prompts are not needed again and fragment the memory."""
        self._split.cache_clear()

    def split_sentences(self, text: str) -> list[str]:
        """Return the sentences that are judged: those `long_enough`, or without `keep_short` as in the package."""
        sentences = self._split(text)
        if self._keep_short:
            return long_enough(sentences, text)
        return [sentence for sentence in sentences if len(sentence) > 10]

    def sources(self, text: str) -> list[str]:
        """Return the premises of a source: windows of its first `max_doc_sents` sentences."""
        return windows(self.split_sentences(text)[: self.max_doc_sents], self._window)

    def build_chunk_dataset(
        self, original: str, generated: str, pair_idx: int | None = None
    ) -> tuple[list[dict[str, Any]], int, int]:
        """Return the cells of an image, its rows and its columns, as the package does, with windows as its rows."""
        premises, hypotheses = self.sources(original), self.split_sentences(generated)
        cells = [
            {"premise": premise, "hypothesis": hypothesis, "doc_i": row, "gen_i": column, "pair_idx": pair_idx}
            for row, premise in enumerate(premises)
            for column, hypothesis in enumerate(hypotheses)
        ]
        return cells, len(premises), len(hypotheses)

    def build_images(
        self, originals: Sequence[str], generateds: Sequence[str], batch_size: int = 0
    ) -> list[np.ndarray]:
        """Return one image (labels, source sentences, answer sentences) per pair of texts; `batch_size` is unused."""
        built = [self.build_chunk_dataset(*texts) for texts in zip(originals, generateds, strict=True)]
        pairs = [(cell["premise"], cell["hypothesis"]) for cells, _, _ in built for cell in cells]
        scores = self._nli.probabilities(pairs)
        images = [np.zeros((len(LABELS), max(rows, 1), max(columns, 1))) for _, rows, columns in built]
        for image, (cells, _, _) in zip(images, built, strict=True):
            for cell in cells:
                image[:, cell["doc_i"], cell["gen_i"]] = scores[cell["premise"], cell["hypothesis"]]
        return images


class SummaC:
    """Range [0, 1]. `model` is a folder or hub id; `max_doc_sents` limits the source (summac's default: 100).

    `window` is the number of source sentences in a row that may entail a sentence together; 1 is the paper's.
    """

    tasks = frozenset({"abstractive_qa", "summarization"})  # without the option `tasks`

    def __init__(
        self,
        *,
        name: str,
        model: str,
        max_doc_sents: Count,
        batch_tokens: Count,
        dtype: Literal["float32", "bfloat16", "checked"] = "float32",
        preset: str = "reset",
        use_contradiction: bool | None = None,
        sentences: str | None = None,
        short: str | None = None,
        below_zero: str | None = None,
        conv: str | None = None,
        window: Count = 1,
        labels: Mapping[str, int | str] | None = None,
        any_script: bool = False,
        tasks: GroundedTasks | None = None,
    ) -> None:
        self.tasks = frozenset(tasks or self.tasks)
        own = {
            "use_contradiction": use_contradiction,
            "sentences": sentences,
            "short": short,
            "below_zero": below_zero,
        }
        chosen = settings(name, preset, own)
        self._name, self._conv = name, Conv(Path(conv)) if conv else None
        self._below_zero = "cut" if conv else chosen["below_zero"]
        needed = LABELS[:2] if chosen["use_contradiction"] and not conv else LABELS[:1]
        nli = Nli(model, batch_tokens=batch_tokens, dtype=dtype, labels=labels, needed=needed, any_script=any_script)
        self._scripts, keep_short = nli.scripts, chosen["short"] == "whole"
        self._imager = Imager(nli, splitter(chosen["sentences"]), max_doc_sents, keep_short=keep_short, window=window)
        self._zs = reference.SummaCZS(
            granularity="sentence",
            op1="max",
            op2="mean",
            use_ent=True,
            use_con=chosen["use_contradiction"],
            imager_load_cache=False,
            device="cpu",
        )
        self._zs.imager = self._imager

    def verdicts(self, answers: Sequence[Answer]) -> Iterator[Verdict]:
        """Yield one verdict per answer; null where the example has no passage, or where the judge cannot tell."""
        self._imager.forget()
        reasons = {answer.answer_id: unjudged(answer, self._scripts) for answer in answers}
        complete = [answer for answer in answers if answer.text.strip() and not reasons[answer.answer_id]]
        images = self._imager.build_images([source(answer) for answer in complete], [a.text for a in complete])
        scores = self._conv.scores(images) if self._conv else map(self._zs.image2score, images)
        scored = dict(zip((a.answer_id for a in complete), zip(scores, images, strict=True), strict=True))
        for answer in answers:
            if reason := reasons[answer.answer_id]:
                yield Verdict(answer.answer_id, self._name, None, reason)
            elif answer.answer_id not in scored:
                yield Verdict(answer.answer_id, self._name, self._to_unit_range(0.0), "empty answer")
            else:
                raw_score, image = scored[answer.answer_id]
                score = self._to_unit_range(float(raw_score))
                yield Verdict(answer.answer_id, self._name, score, detail=self._evidence(answer, image))

    def _to_unit_range(self, score: float) -> float:
        """Map summac's score to [0, 1]."""
        score = (score + 1.0) / 2.0 if self._below_zero == "shift" else score
        return min(max(score, 0.0), 1.0)

    def _evidence(self, answer: Answer, image: np.ndarray) -> dict[str, Any]:
        """Return for each answer sentence the source sentence that entails it best."""
        sources = self._imager.sources(source(answer))
        sentences = self._imager.split_sentences(answer.text)
        if not sources or not sentences:  # all dropped as short: summac's image is zeros
            return {"sentences": []}
        best = image[0].argmax(axis=0)  # (answer sentences,)
        return {
            "sentences": [
                {"sentence": text, "source": sources[row], "entailment": round(float(image[0, row, column]), 6)}
                for column, (text, row) in enumerate(zip(sentences, best, strict=True))
            ]
        }
