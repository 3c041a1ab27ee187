"""SummaC-Conv's aggregation (Laban et al. 2022): of each answer sentence a histogram of its entailments, weighed.

The class is summac 0.0.4's own, as its published weights want it: entailment alone, the package's percentile bins, mean
over the first ten answer sentences. Range [0, 1]: the probability that the answer is consistent.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from reset.errors import ResetError
from reset.runs.lean_imports import without

with without("scipy", "sklearn"):
    import summac.model_summac as reference


class Conv:
    """Weights from a safetensors file with the names of summac's own; `ResetError` for any other file."""

    def __init__(self, weights: Path) -> None:
        self._model = reference.SummaCConv(
            bins="percentile",
            granularity="sentence",
            nli_labels="e",
            device="cpu",
            imager_load_cache=False,
            models=["vitc"],
        )
        try:
            self._model.load_state_dict(load_file(weights))
        except (OSError, SafetensorError, RuntimeError) as error:
            why = str(error).splitlines()[0]
            raise ResetError(f"{weights}: no weights of SummaC-Conv as safetensors ({why})") from error

    def scores(self, images: Sequence[np.ndarray]) -> list[float]:
        """One score per image of shape (labels, source sentences, answer sentences)."""
        if not images:
            return []
        with torch.inference_mode():
            logits, _, _ = self._model(None, None, images=images)  # (images, inconsistent or consistent)
        found: list[float] = logits.softmax(dim=-1)[:, 1].tolist()
        return found
