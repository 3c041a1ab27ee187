"""Texts for faithfulness judges: the source that must support an answer, and sentence splitters."""

from typing import Any

from reset.errors import ResetError, nearest
from reset.judges import Answer
from reset.runs.lean_imports import without

with without("scipy", "sklearn"):
    import nltk

SPLITTERS = ("untrained", "punkt_tab")


def source(answer: Answer) -> str:
    """Return the text that must support the answer: the passages, for QA after the question (paper 2.2)."""
    return "\n".join([answer.question, *answer.passages] if answer.question else answer.passages)


def splitter(name: str) -> Any:
    """Return NLTK's sentence tokenizer: `untrained` Punkt, which needs no download, or the English `punkt_tab`."""
    if name not in SPLITTERS:
        raise ResetError(f"Unknown sentence splitter '{name}'. {nearest(name, SPLITTERS)}")
    if name == "untrained":
        return nltk.tokenize.PunktSentenceTokenizer()
    try:
        return nltk.tokenize.PunktTokenizer("english")
    except LookupError as error:
        hint = "run `python -m nltk.downloader punkt_tab`, or set the splitter to untrained"
        raise ResetError(f"NLTK's punkt_tab is not installed: {hint}") from error
