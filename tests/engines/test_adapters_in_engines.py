"""An adapter answers alike in every engine, merged or kept apart."""

import random
from pathlib import Path

import pytest

from reset.engines import Completion, Engine, Request
from reset.engines.openai.engine import OpenAIEngine
from reset.engines.transformers.engine import TransformersEngine
from reset.params import load
from tests.support.vllm_server import serving

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]
FLOAT = {"dtype": "float32"}


def answers(engine: Engine) -> dict[str, Completion]:
    """Greedy answers to twenty prompts of random words, two requests to each."""
    rng = random.Random(0)
    prompts = [(1, *(rng.randrange(5, 370) for _ in range(rng.randint(2, 39)))) for _ in range(20)]
    asked = [Request(f"{n}|{k}", ids, 0.0, k, 10 * n, 24) for n, ids in enumerate(prompts) for k in (0, 1)]
    return {one.answer_id: one for one in engine.generate(asked)}


def alike(ours: dict[str, Completion], theirs: dict[str, Completion]) -> None:
    """Fail unless texts, lengths and ends are the same and log-probabilities near."""
    assert ours.keys() == theirs.keys() and len(ours) == 40
    for name, one in ours.items():
        other = theirs[name]
        assert (one.text, one.tokens, one.finish_reason) == (other.text, other.tokens, other.finish_reason)
        assert one.mean_logprob == pytest.approx(other.mean_logprob, abs=1e-3)


@pytest.fixture(scope="module")
def merged(adapted: tuple[Path, Path]) -> dict[str, Completion]:
    return answers(TransformersEngine(model=adapted[1], batch=16, **FLOAT))


def test_kept_apart_and_merged_answer_alike_and_unlike_their_base(
    adapted: tuple[Path, Path], merged: dict[str, Completion], micro_model: Path
) -> None:
    alike(answers(TransformersEngine(model=adapted[0], batch=16, **FLOAT)), merged)
    base = answers(TransformersEngine(model=micro_model, batch=16, **FLOAT))
    assert sum(base[name].text != one.text for name, one in merged.items()) > 30


def test_vllm_answers_with_an_adapter_as_transformers_does(
    adapted: tuple[Path, Path], merged: dict[str, Completion]
) -> None:
    pytest.importorskip("vllm", reason="needs the opt-in build of vLLM (make test installs it)")
    from reset.engines.vllm.engine import VllmEngine

    engine = VllmEngine(model=adapted[0], max_model_len=256, options={**FLOAT, "enforce_eager": True})
    try:
        alike(answers(engine), merged)
    finally:
        engine._llm.llm_engine.engine_core.shutdown()


def test_server_answers_under_the_adapter_s_own_name(
    adapted: tuple[Path, Path], merged: dict[str, Completion], micro_model: Path, tmp_path: Path, composed: object
) -> None:
    pytest.importorskip("vllm", reason="needs the opt-in build of vLLM (make test installs it)")
    apart = adapted[0]
    row = load(composed("paper")).sample.engines["openai"]  # type: ignore[operator]
    served = ("--enable-lora", "--max-lora-rank", "8", "--lora-modules", f"{apart}={apart}")
    with serving(micro_model, tmp_path / "log", *served) as base_url:
        alike(answers(OpenAIEngine(model=apart, **row | {"base_urls": [base_url], "concurrency": 8})), merged)
