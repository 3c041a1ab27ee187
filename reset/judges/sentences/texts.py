"""What a judge of faithfulness reads: the text that must support an answer, and how texts are cut into sentences."""

from typing import Any

from reset.errors import ResetError, nearest
from reset.judges import Answer
from reset.runs.lean_imports import without

with without("scipy", "sklearn"):
    import nltk

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
