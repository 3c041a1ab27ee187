"""Estimate the work of SummaC judges: pairs of sentences per pool, and the arithmetic of one pair.

The arithmetic is what torch counts in a forward pass of the model that the configuration describes: matrix products
and attention, a multiplication and an addition as two operations. No weights are needed.
"""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

from reset.errors import ResetError
from reset.judges import Answer
from reset.judges.sentences.texts import long_enough, source, splitter
from reset.judges.verdict_names import ABSTRACTIVE
from reset.params.answers import Judge, Pool
from reset.params.document import Params
from reset.planning import judge_costs
from reset.planning.base_outline import outline

KIND = "summac"
PAIRED = 3  # special tokens around the two sentences of a pair
NEEDS_WEIGHTS = frozenset({"deberta", "deberta-v2"})  # read a number while computing, which a meta tensor lacks


@dataclass(frozen=True)
class Pairs:
    """The distinct pairs of sentences of a pool, and their tokens, both sentences together."""

    pairs: int
    tokens: int

    @property
    def mean_tokens(self) -> int:
        """Tokens of the mean pair; 0 without pairs."""
        return round(self.tokens / self.pairs) if self.pairs else 0


def judges(p: Params, tflop_per_s: float, notes: list[str]) -> list[dict[str, Any]]:
    """One row per pool and SummaC judge: pairs, tokens and GFLOP of the mean pair, device hours at `tflop_per_s`.

    An upper estimate: every answer is as long as the first reference, and no two answers share a sentence. Figures are
    None where prompts are not drawn, or the model's configuration is not available, which `notes` then says.
    """
    rows = []
    with ExitStack() as outlines:
        for name, row in p.judges.items():
            if row.kind != KIND:
                continue
            folder = _outline(p, row, outlines, notes)
            counted: dict[tuple[str, str, int, bool], Pairs | None] = {}  # prompts, decode settings, sweeps, references
            flop: dict[int, int] = {}
            for pool_name, pool in p.pools.items():
                key = pool.prompts, pool.decode, pool.sweeps, pool.gold
                if key not in counted:
                    counted[key] = _pairs(p, pool, row, folder) if folder else None
                rows.append({"judge": name, "pool": pool_name, **_figures(counted[key], folder, flop, tflop_per_s)})
    return rows


def _outline(p: Params, row: Judge, outlines: ExitStack, notes: list[str]) -> Path | None:
    """Return the folder with the configuration of a judge's model; None, and a note, if it is not available."""
    base = (row.model or "").removeprefix("base/")
    try:
        return outlines.enter_context(outline(base, p.base[base]))
    except ResetError as error:
        notes.append(error.message)
        return None


def _figures(pairs: Pairs | None, folder: Path | None, flop: dict[int, int], tflop_per_s: float) -> dict[str, Any]:
    if pairs is None or folder is None:
        return dict.fromkeys(("pairs", "pair_tokens", "pair_gflop", "device_hours"))
    tokens = pairs.mean_tokens
    if tokens not in flop:
        flop[tokens] = pair_flop(folder, tokens) if tokens else 0
    hours = pairs.pairs * flop[tokens] / (tflop_per_s * 1e12) / 3600
    return {"pairs": pairs.pairs, "pair_tokens": tokens, "pair_gflop": flop[tokens] / 1e9, "device_hours": hours}


def pair_flop(folder: Path, tokens: int) -> int:
    """Operations of one more pair of `tokens` tokens in a batch, by a classifier with the configuration in `folder`.

    What a batch costs once, as DeBERTa's relative positions do, does not count.
    """
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)  # nosec B615: a local folder
    device = "cpu" if config.model_type in NEEDS_WEIGHTS else "meta"
    with torch.device(device):
        model: Any = AutoModelForSequenceClassification.from_config(  # type: ignore[no-untyped-call]
            config, trust_remote_code=False
        )
    model.eval().requires_grad_(False)
    one, two = (_flop(model, torch.ones(rows, tokens, dtype=torch.long, device=device)) for rows in (1, 2))
    return two - one


def _flop(model: Any, ids: torch.Tensor) -> int:
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model(input_ids=ids)
    return int(counter.get_total_flops())


def _pairs(p: Params, pool: Pool, row: Judge, folder: Path) -> Pairs | None:
    answers = judge_costs.expected_answers(p, pool, frozenset(ABSTRACTIVE))
    if answers is None:
        return None
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)  # nosec B615: a local folder
    return count(answers, tokenizer, row.options)


def count(answers: Iterable[Answer], tokenizer: Any, options: Mapping[str, Any]) -> Pairs:
    """Count the pairs of the sentences of each answer with those of its source, and their tokens."""
    split = splitter(options.get("sentences") or "untrained").tokenize
    window = options.get("window") or 1
    lengths: dict[str, list[int]] = {}  # text -> tokens of its sentences

    def sentences(text: str, most: int | None) -> list[int]:
        if text not in lengths:
            judged = long_enough(split(text), text)
            ids = tokenizer(judged, add_special_tokens=False, split_special_tokens=True)["input_ids"] if judged else []
            lengths[text] = [len(sentence) for sentence in ids]
        return lengths[text][:most]

    pairs = tokens = 0
    for answer in answers:
        single, said = sentences(source(answer), options["max_doc_sents"]), sentences(answer.text, None)
        given = [sum(single[at : at + window]) for at in range(max(len(single) - window, 0) + 1)] if single else []
        pairs += len(given) * len(said)
        tokens += len(said) * sum(given) + len(given) * sum(said) + PAIRED * len(given) * len(said)
    return Pairs(pairs, tokens)
