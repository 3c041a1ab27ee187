"""Six families answer a chat by vLLM as transformers' own `generate` does: the same ids in, the same answers out.

vLLM's server is the same engine behind HTTP: one of the families asks it, too.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from reset.engines.openai.engine import OpenAIEngine
from reset.params import load
from tests.support.family_chats import asked, expected, saved
from tests.support.vllm_server import serving
from tests.support.whole_lines import SIX

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]
pytest.importorskip("vllm", reason="needs the opt-in build of vLLM (make test installs it)")


@pytest.mark.parametrize("name", SIX)
def test_vllm_answers_as_generate_does(tmp_path: Path, name: str) -> None:
    from reset.engines.vllm.engine import VllmEngine

    model = saved(tmp_path, name)
    requests = asked(model)
    engine = VllmEngine(model=model, max_model_len=512, options={"dtype": "float32", "enforce_eager": True})
    try:
        assert engine.seen(requests) == [list(request.token_ids) for request in requests]
        found = {one.answer_id: one for one in engine.generate(requests)}
    finally:
        engine._llm.llm_engine.engine_core.shutdown()
    for request in requests:
        one = found[request.answer_id]
        assert (one.tokens, one.text) == expected(model, request)


def test_vllm_s_server_answers_as_generate_does(tmp_path: Path, composed: Callable[[str], Path]) -> None:
    model, row = saved(tmp_path, "qwen_3"), load(composed("paper")).sample.engines["openai"]
    requests = asked(model)
    with serving(model, tmp_path / "log", "--max-model-len", "512") as base_url:
        engine = OpenAIEngine(model=model, **row | {"base_urls": [base_url], "concurrency": 4})
        assert engine.seen(requests) == [list(request.token_ids) for request in requests]
        found = {one.answer_id: one for one in engine.generate(requests)}
    for request in requests:
        one = found[request.answer_id]
        assert (one.tokens, one.text) == expected(model, request)
