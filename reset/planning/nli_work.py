"""Estimate the work of judges with an NLI model: pairs of texts per pool, and the arithmetic of one pair.

SummaC and the claim judge compare each window of an answer's source with each sentence or claim of the answer;
self-consistency with a model compares each other answer to the prompt with each sentence. Texts are split by the
judges' own code. The arithmetic is what torch counts in a forward pass of the model that the configuration describes:
matrix products and attention, a multiplication and an addition as two operations. No weights are needed.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

from reset.errors import ResetError
from reset.judges import TASKS, Answer, chosen_tasks
from reset.judges.self_consistency import OTHERS
from reset.judges.sentences.texts import long_enough, source, splitter, windows
from reset.judges.verdict_names import ABSTRACTIVE
from reset.params.answers import Judge, Pool
from reset.params.document import Params
from reset.planning import judge_costs
from reset.planning.base_outline import outline

PAIRED = 3  # special tokens around the two texts of a pair


@dataclass(frozen=True)
class Pairs:
    """The distinct pairs of texts of a pool, and their tokens, both texts together."""

    pairs: int
    tokens: int

    @property
    def mean_tokens(self) -> int:
        """Tokens of the mean pair; 0 without pairs."""
        return round(self.tokens / self.pairs) if self.pairs else 0


Texts = Callable[[str], list[str]]


@dataclass(frozen=True)
class Compared:
    """What a judge compares on which tasks: the parts of an answer's source with those of the answer."""

    tasks: frozenset[str]
    parts: Texts
    premises: Texts | None  # of a source; None: the other answers to the prompt, each as a whole


def compared(name: str, row: Judge) -> Compared | None:
    """Return what a row of `judges` compares by an NLI model; None for a judge without one."""
    if row.kind not in _COMPARED or row.model is None:
        return None
    return _COMPARED[row.kind](name, row.options)


def _summac(name: str, options: Mapping[str, Any]) -> Compared:
    from reset.judges import summac  # takes seconds to import, as the next

    own = {key: options.get(key) for key in summac.CHOICES}
    chosen = summac.settings(name, options.get("preset") or "reset", own)
    split = splitter(chosen["sentences"]).tokenize

    def sentences(text: str) -> list[str]:
        if chosen["short"] == "whole":
            return long_enough(split(text), text)
        return [sentence for sentence in split(text) if len(sentence) > 10]

    return Compared(
        chosen_tasks(options, ABSTRACTIVE), sentences, _windows(sentences, _with_defaults(summac.SummaC, options))
    )


def _claims(_: str, options: Mapping[str, Any]) -> Compared:
    from reset.judges import claims

    told = _with_defaults(claims.Claims, options)
    split = splitter(told["sentences"]).tokenize

    def sentences(text: str) -> list[str]:
        return long_enough(split(text), text)

    def parts(text: str) -> list[str]:
        return [part for one in sentences(text) for part in (claims.clauses(one) if told["clauses"] else [one])]

    return Compared(chosen_tasks(options, claims.Claims.tasks), parts, _windows(sentences, told))


def _others(_: str, options: Mapping[str, Any]) -> Compared:
    split = splitter("english").tokenize
    return Compared(chosen_tasks(options, TASKS), lambda text: long_enough(split(text), text), None)


def _windows(sentences: Texts, told: Mapping[str, Any]) -> Texts:
    return lambda text: windows(sentences(text)[: told["max_doc_sents"]], told["window"])


def _with_defaults(judge: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a judge with its own defaults for those that are not set."""
    known = inspect.signature(judge).parameters
    return {name: one.default for name, one in known.items()} | dict(options)


_COMPARED: dict[str, Callable[[str, Mapping[str, Any]], Compared]] = {
    "summac": _summac,
    "claims": _claims,
    "self_consistency": _others,
}


def judges(p: Params, tflop_per_s: float, notes: list[str], *, offline: bool = False) -> list[dict[str, Any]]:
    """One row per pool and judge with an NLI model: pairs, tokens and GFLOP of the mean pair, hours at `tflop_per_s`.

    An upper estimate: every answer is as long as the first reference, and no two answers share a sentence. Figures are
    None where prompts are not drawn, or the model's configuration is not available, which `notes` then says.
    """
    rows = []
    with ExitStack() as outlines:
        for name, row in p.judges.items():
            if (how := compared(name, row)) is None:
                continue
            folder = _outline(p, row, outlines, notes, offline=offline)
            counted: dict[tuple[str, str, int, bool], Pairs | None] = {}  # prompts, decode settings, sweeps, references
            flop: dict[int, int] = {}
            for pool_name, pool in p.pools.items():
                key = pool.prompts, pool.decode, pool.sweeps, pool.gold
                if key not in counted:
                    counted[key] = _pairs(p, pool, how, folder) if folder else None
                rows.append({"judge": name, "pool": pool_name, **_figures(counted[key], folder, flop, tflop_per_s)})
    return rows


def _outline(p: Params, row: Judge, outlines: ExitStack, notes: list[str], *, offline: bool) -> Path | None:
    """Return the folder with the configuration of a judge's model; None, and a note, if it is not available."""
    base = (row.model or "").removeprefix("base/")
    try:
        return outlines.enter_context(outline(base, p.base[base], offline=offline))
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
    try:
        return _more_for_a_row(config, tokens, "meta")
    except RuntimeError:  # it reads a number while computing, which a meta tensor lacks
        return _more_for_a_row(config, tokens, "cpu")


def _more_for_a_row(config: Any, tokens: int, device: str) -> int:
    """Operations of a batch of two rows, less those of one."""
    with torch.device(device):
        model: Any = AutoModelForSequenceClassification.from_config(  # type: ignore[no-untyped-call]
            config, trust_remote_code=False
        )
    model.eval().requires_grad_(False)
    model.config.use_cache = True  # decoders without a cache look for packed rows, and read a number for that
    model.config.pad_token_id = model.config.pad_token_id or 0  # classifiers by decoders need one
    one, two = (_flop(model, torch.ones(rows, tokens, dtype=torch.long, device=device)) for rows in (1, 2))
    return two - one


def _flop(model: Any, ids: torch.Tensor) -> int:
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model(input_ids=ids)
    return int(counter.get_total_flops())


def _pairs(p: Params, pool: Pool, how: Compared, folder: Path) -> Pairs | None:
    answers = judge_costs.expected_answers(p, pool, how.tasks)
    if answers is None:
        return None
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)  # nosec B615: a local folder
    return count(answers, tokenizer, how)


def count(answers: Iterable[Answer], tokenizer: Any, how: Compared) -> Pairs:
    """Count the pairs of a pool, whose answers to the same prompt stand together, and their tokens."""

    @lru_cache(maxsize=4096)  # the answers to one prompt share their source
    def tokens_of(text: str) -> int:
        return len(tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"])

    pairs = tokens = 0
    for premises, parts in _compared_texts(answers, how):
        given, said = [tokens_of(text) for text in premises], [tokens_of(text) for text in parts]
        pairs += len(given) * len(said)
        tokens += len(said) * sum(given) + len(given) * sum(said) + PAIRED * len(given) * len(said)
    return Pairs(pairs, tokens)


def _compared_texts(answers: Iterable[Answer], how: Compared) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    """Yield for each answer the texts that each of its parts is compared with, and its parts."""
    for _, group in groupby(answers, key=lambda answer: answer.example_id):
        own = list(group)
        for answer in own:
            if how.premises:
                yield how.premises(source(answer)), how.parts(answer.text)
            elif len(own) > OTHERS:
                yield [other.text for other in own if other is not answer], how.parts(answer.text)
