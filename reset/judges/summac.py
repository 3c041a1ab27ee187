"""SummaC-ZS faithfulness judge (Laban et al. 2022; paper 2.2), sentence by sentence, for abstractive QA and summaries.

Splitting, the image of (source sentence, answer sentence) probabilities and their aggregation are summac 0.0.4's own:
max over source sentences, mean over answer sentences. Its inference loop, which needs an older transformers, is
replaced by `reset.judges.nli`.

Score: the entailment; with `use_contradiction` (summac's default, not the paper's words) less the contradiction, which
ranges over [-1, 1] and is cut off at 0 below. Where we differ from summac: sentences of ten characters or fewer are
dropped, as there, but a text of nothing else counts as one sentence; summac would score such an answer 0 whatever it
says. An empty answer scores 0, with a reason.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import nltk
import numpy as np
import summac.model_summac as reference

from reset.errors import ResetError, nearest
from reset.judges import Answer, Verdict
from reset.judges.nli import LABELS, Nli

SPLITTERS = ("untrained", "punkt_tab")


def source(answer: Answer) -> str:
    """Join the text that must entail the answer: the passages, for QA with the question before them (2.2)."""
    return "\n".join([answer.question, *answer.passages] if answer.question else answer.passages)


def splitter(name: str) -> Any:
    """NLTK's sentence tokenizer: Punkt `untrained`, which needs no download, or the trained English `punkt_tab`."""
    if name not in SPLITTERS:
        raise ResetError(f"Unknown sentence splitter '{name}'. {nearest(name, SPLITTERS)}")
    if name == "untrained":
        return nltk.tokenize.PunktSentenceTokenizer()
    try:
        return nltk.tokenize.PunktTokenizer("english")
    except LookupError as error:
        hint = "run `python -m nltk.downloader punkt_tab`, or set the splitter to untrained"
        raise ResetError(f"NLTK's punkt_tab is not on this machine: {hint}") from error


class Imager(reference.SummaCImager):  # type: ignore[misc]  # summac has no types
    """summac's imager on another model: its own inputs and images, our inference."""

    def __init__(self, nli: Nli, sentences: Any, max_doc_sents: int) -> None:
        super().__init__(granularity="sentence", use_cache=False, max_doc_sents=max_doc_sents, device="cpu")
        self._nli = nli
        self._cut = lru_cache(maxsize=4096)(sentences.tokenize)  # candidates of one prompt share their source

    def split_sentences(self, text: str) -> list[str]:
        """Sentences of more than ten characters; the whole text where it has only shorter ones."""
        kept = [sentence for sentence in self._cut(text) if len(sentence) > 10]
        return kept or [stripped for stripped in (text.strip(),) if stripped]

    def build_images(
        self, originals: Sequence[str], generateds: Sequence[str], batch_size: int = 0
    ) -> list[np.ndarray]:
        """One image of shape (labels, source sentences, answer sentences) per pair of texts; `batch_size` is unused."""
        built = [self.build_chunk_dataset(*texts) for texts in zip(originals, generateds, strict=True)]
        pairs = [(cell["premise"], cell["hypothesis"]) for cells, _, _ in built for cell in cells]
        scores = self._nli.probabilities(pairs)
        images = [np.zeros((len(LABELS), max(rows, 1), max(columns, 1))) for _, rows, columns in built]
        for image, (cells, _, _) in zip(images, built, strict=True):
            for cell in cells:
                image[:, cell["doc_i"], cell["gen_i"]] = scores[cell["premise"], cell["hypothesis"]]
        return images


class SummaCZS:
    """Range [0, 1]. `model` is a folder or hub id; `max_doc_sents` limits the source (summac's default: 100)."""

    tasks = frozenset({"abstractive_qa", "summarization"})

    def __init__(
        self,
        *,
        name: str,
        model: str,
        max_doc_sents: int,
        use_contradiction: bool,
        batch_tokens: int,
        sentences: str = "untrained",
    ) -> None:
        self._name = name
        self._imager = Imager(Nli(model, batch_tokens=batch_tokens), splitter(sentences), max_doc_sents)
        self._zs = reference.SummaCZS(
            granularity="sentence",
            op1="max",
            op2="mean",
            use_ent=True,
            use_con=use_contradiction,
            imager_load_cache=False,
            device="cpu",
        )
        self._zs.imager = self._imager

    def verdicts(self, answers: Sequence[Answer]) -> Iterator[Verdict]:
        """Yield one verdict per answer; null where the example has no passage."""
        asked = [answer for answer in answers if answer.text.strip() and answer.passages]
        result = self._zs.score([source(answer) for answer in asked], [answer.text for answer in asked])
        scored = dict(
            zip((a.answer_id for a in asked), zip(result["scores"], result["images"], strict=True), strict=True)
        )
        for answer in answers:
            if not answer.passages:
                yield Verdict(answer.answer_id, self._name, None, "the example has no passage")
            elif answer.answer_id not in scored:
                yield Verdict(answer.answer_id, self._name, 0.0, "empty answer")
            else:
                score, image = scored[answer.answer_id]
                score = min(max(float(score), 0.0), 1.0)
                yield Verdict(answer.answer_id, self._name, score, detail=self._evidence(answer, image))

    def _evidence(self, answer: Answer, image: np.ndarray) -> dict[str, Any]:
        """Of each answer sentence the source sentence that entails it best."""
        given = self._imager.split_sentences(source(answer))
        said = self._imager.split_sentences(answer.text)
        best = image[0].argmax(axis=0)  # (answer sentences,)
        return {
            "sentences": [
                {"sentence": text, "source": given[row], "entailment": round(float(image[0, row, column]), 6)}
                for column, (text, row) in enumerate(zip(said, best, strict=True))
            ]
        }
