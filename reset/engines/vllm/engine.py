"""Engine `vllm`: the model is loaded once for all settings and prompts; each answer is a request with its own seed.

On a CPU it needs the opt-in build (README). There `VLLM_CPU_KVCACHE_SPACE` limits the cache, in GiB, and vLLM runs
inside this process unless `VLLM_ENABLE_V1_MULTIPROCESSING` is 1, because its two processes take a minute to start.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, get_args

import torch
from pydantic import Field
from vllm import LLM, RequestOutput, SamplingParams, TokensPrompt
from vllm.config.lora import MaxLoRARanks
from vllm.exceptions import VLLMClientError
from vllm.lora.request import LoRARequest

from reset.engines import Completion, Request
from reset.engines.vllm import arguments
from reset.errors import ResetError
from reset.model import adapters, precision
from reset.model.tokens import answer_text, load_tokenizer

# with chunked prefill, vLLM fails with "CPU Generator does not use offset" at the first seeded prompt that it splits
ON_CPU: dict[str, Any] = {"enforce_eager": True, "enable_chunked_prefill": False}

os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
if not torch.cuda.is_available():
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")


class VllmEngine:
    """`max_model_len` limits prompt plus answer, in tokens; `options` are vLLM's engine arguments.

    An adapter that is kept apart is not merged: vLLM loads the base weights and applies the adapter to every request.

    `dtype` means the same as for engine `transformers`: vLLM's own `auto` is bfloat16 even where the CPU emulates it.
    """

    def __init__(self, *, model: Path, max_model_len: Annotated[int, Field(ge=1)], options: dict[str, Any]) -> None:
        for key, what in sorted(arguments.problems(options)):
            raise ResetError(f"options.{key}: {what}")
        if int(options.get("data_parallel_size", 1)) > 1:
            raise ResetError("Engine 'vllm' loads one copy of the model: set cluster.workers, not data_parallel_size")
        self._tokenizer = load_tokenizer(model)
        self._max_model_len = max_model_len
        chosen = options if torch.cuda.is_available() else {**ON_CPU, **options}
        chosen = {**chosen, "dtype": precision.dtype(options.get("dtype", "auto"))}
        base = adapters.weights(model)
        self._adapter = None if base == model else LoRARequest(str(model), 1, str(model))
        if self._adapter:
            chosen = {"enable_lora": True, "max_lora_rank": _max_lora_rank(model), "tokenizer": str(model), **chosen}
        self._llm = LLM(model=str(base), max_model_len=max_model_len, trust_remote_code=False, **chosen)

    def generate(self, requests: Sequence[Request]) -> Iterator[Completion]:
        """Yield one completion per request as each ends; `mean_logprob` is of the model at temperature 1."""
        asked: dict[str, Request] = {}
        for request in requests:
            try:
                asked[self._enqueue(request)] = request
            except (VLLMClientError, ResetError) as error:  # fails only this request
                yield Completion(request.answer_id, "", 0, f"error: {error}", None)
        engine = self._llm.llm_engine
        while engine.has_unfinished_requests():
            for output in engine.step():
                if isinstance(output, RequestOutput) and output.finished:
                    yield self._completion(asked[output.request_id], output)

    def _enqueue(self, request: Request) -> str:
        """Queue `request` for the next step of vLLM; return the id that its output will have."""
        if len(request.token_ids) + request.max_tokens > self._max_model_len:
            raise ResetError(f"prompt and answer exceed max_model_len {self._max_model_len}")
        prompt = TokensPrompt(prompt_token_ids=list(request.token_ids))
        (name,) = self._llm.enqueue(prompt, _parameters(request), lora_request=self._adapter, use_tqdm=False)
        return str(name).partition("-")[0]  # vLLM adds random characters that the output's id lacks

    def seen(self, requests: Sequence[Request]) -> list[list[int]]:
        """Return the prompt ids that vLLM reports for each request."""
        outputs = self._llm.generate(
            [TokensPrompt(prompt_token_ids=list(request.token_ids)) for request in requests],
            [_parameters(request) for request in requests],
            lora_request=self._adapter,
            use_tqdm=False,
        )
        return [list(output.prompt_token_ids or []) for output in outputs]

    def _completion(self, request: Request, output: RequestOutput) -> Completion:
        """Decode the tokens with our tokenizer, as the other engines do, instead of taking vLLM's text."""
        generated = output.outputs[0]
        if generated.finish_reason not in ("stop", "length"):
            return Completion(request.answer_id, "", 0, f"error: vLLM ended with {generated.finish_reason}", None)
        ids = list(generated.token_ids)
        mean = generated.cumulative_logprob / len(ids) if generated.cumulative_logprob is not None else None
        text = answer_text(self._tokenizer, ids[:-1] if generated.finish_reason == "stop" else ids)
        return Completion(request.answer_id, text, len(ids), generated.finish_reason, mean)


def _max_lora_rank(adapter: Path) -> int:
    """Return the smallest `max_lora_rank` of vLLM that fits the adapter."""
    rank = adapters.rank(adapter)
    if large_enough := [max_rank for max_rank in get_args(MaxLoRARanks) if max_rank >= rank]:
        return int(min(large_enough))
    raise ResetError(
        f"{adapter}: vLLM supports adapters up to rank {max(get_args(MaxLoRARanks))}, this one has rank {rank}"
    )


def _parameters(request: Request) -> SamplingParams:
    return SamplingParams(
        temperature=request.temperature,
        top_k=request.top_k,  # 0 is off in vLLM too
        seed=request.seed,
        max_tokens=request.max_tokens,
        logprobs=0,  # only of the chosen token
        detokenize=False,
    )
