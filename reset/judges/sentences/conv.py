"""SummaC-Conv's aggregation (Laban et al. 2022): a weighted histogram of the entailments of each answer sentence.

The class is summac 0.0.4's own, with the settings of its published weights: entailment only, the package's percentile
bins, mean over the first ten answer sentences. Range [0, 1]: the probability that the answer is consistent.
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
    """Loads weights from a safetensors file with summac's parameter names; `ResetError` for any other file."""

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
            reason = str(error).splitlines()[0]
            raise ResetError(f"{weights}: not the weights of SummaC-Conv as safetensors ({reason})") from error

    def scores(self, images: Sequence[np.ndarray]) -> list[float]:
        """Return one score per image of shape (labels, source sentences, answer sentences)."""
        if not images:
            return []
        with torch.inference_mode():
            logits, _, _ = self._model(None, None, images=images)  # (images, 2): inconsistent, consistent
        probabilities: list[float] = logits.softmax(dim=-1)[:, 1].tolist()
        return probabilities
