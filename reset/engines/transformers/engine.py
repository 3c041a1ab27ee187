"""Engine `transformers`: batched decoding with any causal language model, on a CPU or GPU.

Requests are sorted by prompt. Each distinct prompt of a batch is read once, and all its answers share its key-value
cache (`shared_prompts`); where the model's attention does not allow that, the cache is copied. A batch may mix greedy
and sampled rows, temperatures and top-k. The random number of a token depends only on its answer's seed and its
position, so batch size and order do not change an answer (up to rounding). On a CPU, oneDNN multiplies the large
matrices of a float32 model.
"""

from collections.abc import Iterator, Sequence
from inspect import signature
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import torch
from pydantic import Field
from transformers import DynamicCache, PreTrainedConfig

from reset.engines import Completion, Request
from reset.engines.transformers import states
from reset.engines.transformers.cache import roomy_cache
from reset.engines.transformers.next_token import choose, uniform
from reset.engines.transformers.shared_prompts import SharedPrompts, share_prompts
from reset.errors import ResetError
from reset.model import adapters, onednn, precision
from reset.model.limits import embeddings, positions
from reset.model.tokens import answer_text, load_tokenizer

STATES = "cache_params"  # transformers' name for the cache of models without attention, which need a mask only at first
SHARED = 2  # mean answers per prompt from which the prompts' cache is shared instead of copied, without grouped heads
COMPACT = 0.75  # finished rows are dropped from a batch when fewer than this fraction of its rows still run


class TransformersEngine:
    """Decodes `batch` answers at a time; `dtype` is auto, float32 or bfloat16."""

    def __init__(
        self, *, model: Path, batch: Annotated[int, Field(ge=1)], dtype: Literal["auto", "float32", "bfloat16"]
    ) -> None:
        if not adapters.exists(model):
            raise ResetError(f"{model}: no model there")
        self._tokenizer = load_tokenizer(model)
        self._batch = batch
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        loaded: Any = adapters.load(model, precision.dtype(dtype))
        self._cache_name = _cache_name(loaded)
        self._model = loaded.to(self._device).eval()
        if (weights := next(self._model.parameters())).dtype is torch.float32 and onednn.multiplies(weights):
            onednn.lay_out(self._model, least=onednn.LARGE)
        self._can_share = share_prompts(self._model)
        self._shared_from = 1 if _grouped(self._model.config) else SHARED
        states.check(self._model, self._prefill, self._step)
        ends = self._model.generation_config.eos_token_id
        end_ids = {*(ends if isinstance(ends, list) else [ends]), self._tokenizer.eos_token_id} - {None}
        self._ends = torch.tensor(sorted(end_ids), device=self._device)
        self._vocabulary = embeddings(self._model)
        self._positions = positions(self._model.config)

    def generate(self, requests: Sequence[Request]) -> Iterator[Completion]:
        """Yield completions batch by batch, shortest prompts first; `mean_logprob` is of the model at temperature 1."""
        fitting = []
        for request in requests:
            if reason := self._refusal(request):
                yield Completion(request.answer_id, "", 0, f"error: {reason}", None)
            else:
                fitting.append(request)
        fitting.sort(key=lambda r: (len(r.token_ids), r.token_ids, r.answer_id))
        for start in range(0, len(fitting), self._batch):
            yield from self._decode(fitting[start : start + self._batch])

    def _refusal(self, request: Request) -> str | None:
        """Return why the model cannot read `request`, if so; it would fail the whole batch."""
        if not request.token_ids:
            return "an empty prompt"
        if (largest := max(request.token_ids)) >= self._vocabulary:
            return f"token {largest} of the tokenizer is none of the model's {self._vocabulary}"
        if self._positions and len(request.token_ids) + request.max_tokens > self._positions:
            return f"prompt and answer exceed the model's {self._positions} positions"
        return None

    @torch.inference_mode()
    def _decode(self, requests: list[Request]) -> list[Completion]:
        """Decode one batch; `rows` holds the request number of each row that is still in it."""
        logits, mask, cache, shared = self._prefill(requests)
        temperatures, top_ks, seeds, budgets = (
            torch.tensor([getattr(r, name) for r in requests], device=self._device)
            for name in ("temperature", "top_k", "seed", "max_tokens")
        )
        rows = torch.arange(len(requests), device=self._device)
        running = torch.ones(len(requests), dtype=torch.bool, device=self._device)
        steps: list[tuple[torch.Tensor, ...]] = []  # per step: token, log-probability, still running; each (requests,)
        for step in range(int(budgets.max())):
            chosen = choose(logits, temperatures[rows], top_ks[rows], uniform(seeds[rows], step))
            logprobs = logits.log_softmax(dim=-1).gather(1, chosen[:, None])[:, 0].double()
            steps.append((_per_request(chosen, rows, running), _per_request(logprobs, rows, running), running.clone()))
            ended = torch.isin(chosen, self._ends) | (step + 1 >= budgets[rows])
            running[rows[ended]] = False
            still_running = running[rows].nonzero()[:, 0]
            if not len(still_running):
                break
            if len(still_running) < COMPACT * len(rows):
                rows, chosen, mask = rows[still_running], chosen[still_running], mask[still_running]
                cache.reorder_cache(cast(torch.LongTensor, still_running))
                if shared:
                    shared.select(still_running)
            logits, mask = self._step(chosen[:, None], mask, cache, shared=shared)
        return self._completions(requests, *(torch.stack(values, dim=1) for values in zip(*steps, strict=True)))

    def _prefill(
        self, requests: list[Request]
    ) -> tuple[torch.Tensor, torch.Tensor, DynamicCache, SharedPrompts | None]:
        """Read each distinct prompt once; return logits, mask and cache with one row per request.

        With shared prompts the cache is empty: it will hold only the answers.
        """
        prompts = {prompt: number for number, prompt in enumerate(dict.fromkeys(r.token_ids for r in requests))}
        ids, mask = self._padded(list(prompts))
        cache = roomy_cache(self._model.config)
        logits, _ = self._step(ids, mask[:, :0], cache, new=mask)
        index = torch.tensor([prompts[r.token_ids] for r in requests], device=self._device)
        if self._can_share and len(requests) >= self._shared_from * len(prompts):
            shared = SharedPrompts(cache, mask, index)
            return logits[index], mask[index], roomy_cache(self._model.config), shared
        cache.reorder_cache(cast(torch.LongTensor, index))
        return logits[index], mask[index], cache, None

    def _padded(self, prompts: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return ids and mask, each (prompts, longest prompt), padded on the left."""
        width = max(map(len, prompts))
        padded = [[0] * (width - len(prompt)) + list(prompt) for prompt in prompts]
        mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
        return torch.tensor(padded, device=self._device), torch.tensor(mask, device=self._device)

    def seen(self, requests: Sequence[Request]) -> list[list[int]]:
        """Return the prompt ids of each request as the model reads them, without padding."""
        ids, mask = self._padded([request.token_ids for request in requests])
        return [row[row_mask.bool()].tolist() for row, row_mask in zip(ids, mask, strict=True)]

    def _step(
        self,
        ids: torch.Tensor,
        mask: torch.Tensor,
        cache: DynamicCache,
        *,
        new: torch.Tensor | None = None,
        shared: SharedPrompts | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Read `ids` (rows, new tokens) after the tokens in `shared` and `cache`.

        Returns the last logits (rows, vocabulary) and the mask with the new tokens.
        """
        mask = torch.cat([mask, torch.ones_like(ids) if new is None else new], dim=1)
        outputs = self._model(
            input_ids=ids,
            attention_mask=None if shared or (new is None and self._cache_name == STATES) else mask,
            position_ids=(mask.cumsum(dim=1) - 1).clamp(min=0)[:, -ids.shape[1] :],
            use_cache=True,
            logits_to_keep=1,
            **{self._cache_name: cache},
            **({"shared": shared} if shared else {}),
        )
        return outputs.logits[:, -1].float(), mask

    def _completions(
        self, requests: list[Request], tokens: torch.Tensor, logprobs: torch.Tensor, ran: torch.Tensor
    ) -> list[Completion]:
        """Turn tokens, log-probabilities and running flags, each (requests, steps), into completions."""
        counts = ran.sum(dim=1)
        means = ((logprobs * ran).sum(dim=1) / counts).tolist()
        ends = set(self._ends.tolist())
        completions = []
        for request, row, count, mean in zip(requests, tokens.tolist(), counts.tolist(), means, strict=True):
            ids: list[int] = row[:count]
            reason = "stop" if ids[-1] in ends else "length"
            text = answer_text(self._tokenizer, ids[:-1] if reason == "stop" else ids)
            completions.append(Completion(request.answer_id, text, count, reason, mean))
        return completions


def _cache_name(model: Any) -> str:
    """Return under which name `model` takes transformers' cache; `ResetError` if it keeps its state in another way."""
    known = signature(model.forward).parameters
    if name := next((name for name in ("past_key_values", STATES) if name in known), None):
        return name
    raise ResetError(
        f"engine transformers cannot sample a model of type '{model.config.model_type}', which keeps its state outside "
        "of transformers' cache; set sample.engine to vllm, or to openai with a server that can"
    )


def _grouped(config: PreTrainedConfig) -> bool:
    """Return whether several heads share keys and values; PyTorch's attention copies them for each, at every token."""
    heads = getattr(config, "num_attention_heads", 1)
    return int(getattr(config, "num_key_value_heads", None) or heads) < int(heads)


def _per_request(values: torch.Tensor, rows: torch.Tensor, running: torch.Tensor) -> torch.Tensor:
    """Scatter values of the rows still in the batch (rows,) to their requests (requests,), with 0 elsewhere."""
    scattered = values.new_zeros(len(running))
    scattered[rows] = values
    return scattered
