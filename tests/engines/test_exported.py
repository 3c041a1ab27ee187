"""vLLM loads an exported folder and reads its chat template as transformers does."""

from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.evidence.test_export import exported

pytestmark = pytest.mark.slow
vllm = pytest.importorskip("vllm", reason="needs the opt-in build of vLLM (make test installs it)")

TURNS = [{"role": "system", "content": "extract the answer span."}, {"role": "user", "content": "who lives here?"}]
DOCUMENTS = [{"text": "mira lives in red forest."}]


def test_vllm_answers_a_chat_with_an_export_as_transformers_does(tmp_path: Path, micro_model: Path) -> None:
    from reset.engines.vllm.engine import VllmEngine  # needs vLLM where it is imported

    folder = exported(tmp_path, micro_model)
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    read = tokenizer.apply_chat_template(
        TURNS, documents=DOCUMENTS, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    answer = model.generate(**read, max_new_tokens=8, do_sample=False)[0, read["input_ids"].shape[1] :].tolist()
    engine = VllmEngine(model=folder, max_model_len=256, options={"dtype": "float32", "enforce_eager": True})
    try:
        (said,) = engine._llm.chat(
            TURNS,
            vllm.SamplingParams(temperature=0.0, max_tokens=8),
            chat_template_kwargs={"documents": DOCUMENTS},
            use_tqdm=False,
        )
    finally:
        engine._llm.llm_engine.engine_core.shutdown()
    assert said.prompt_token_ids == read["input_ids"][0].tolist()
    assert list(said.outputs[0].token_ids) == answer
