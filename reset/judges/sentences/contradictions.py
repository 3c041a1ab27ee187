"""Whether a text contradicts the sentences of another, by an NLI model; see `reset.judges.self_consistency`."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from reset.judges.sentences.nli import LABELS, Nli
from reset.judges.sentences.texts import long_enough, splitter


class Contradictions:
    """An NLI model with labels for entailment and contradiction."""

    def __init__(self, model: str, *, batch_tokens: int, labels: Mapping[str, int | str] | None) -> None:
        self._nli = Nli(model, batch_tokens=batch_tokens, labels=labels, needed=LABELS[:2], any_script=True)
        self._split = splitter("english").tokenize

    def agreement(self, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], float]:
        """Return for (text, other) the mean over the text's sentences of 1 minus the contradiction by `other`.

        Contradiction is its probability divided by that of contradiction or entailment, as in SelfCheckGPT-NLI.
        """
        sentences = {text: long_enough(self._split(text), text) for text in {pair[0] for pair in pairs}}
        asked = {(other, sentence) for text, other in pairs for sentence in sentences[text]}
        said = self._nli.probabilities(asked)  # pair -> (entailment, contradiction, neutral)
        return {
            (text, other): fmean(_agreeing(*said[other, sentence][:2]) for sentence in sentences[text])
            if sentences[text]
            else 0.0
            for text, other in pairs
        }


def _agreeing(entailment: float, contradiction: float) -> float:
    both = entailment + contradiction
    return 1.0 - float(contradiction / both) if both else 0.5
