"""The engine arguments of vLLM that a row of params.yaml gives: their names, and the range of some of them."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from reset.errors import nearest

COUNT = Annotated[int, Field(ge=1, strict=True)]
RANGES: dict[str, Any] = {
    **dict.fromkeys(("tensor_parallel_size", "pipeline_parallel_size"), COUNT),
    **dict.fromkeys(("max_num_seqs", "max_num_batched_tokens"), COUNT | None),
    "gpu_memory_utilization": Annotated[float, Field(gt=0, le=1)],
    "enforce_eager": Annotated[bool, Field(strict=True)],
    "enable_prefix_caching": Annotated[bool, Field(strict=True)],
}


def problems(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the key and what is wrong of each option that vLLM does not take. vLLM must be installed."""
    from vllm import EngineArgs

    known = {field.name for field in fields(EngineArgs)}
    for key in options.keys() - known:
        yield key, f"vLLM has no engine argument '{key}'. {nearest(str(key), known)}"
    yield from out_of_range(options)


def out_of_range(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the key and what is wrong of each number or switch that no vLLM can take; vLLM need not be installed."""
    for key in options.keys() & RANGES.keys():
        try:
            TypeAdapter(RANGES[key]).validate_python(options[key])
        except ValidationError as wrong:
            yield key, f"is {options[key]!r}; {wrong.errors()[0]['msg']}"
