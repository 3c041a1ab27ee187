"""A system trained in its own chat template stops at the end of its reply, in every engine."""

from dataclasses import replace
from pathlib import Path

import pytest

from reset.engines import Request
from reset.micro.model import language_model, word_tokenizer
from reset.model import generation
from reset.model.chat_frame import frame
from reset.model.prompts import CHAT, render
from reset.model.tokens import load_tokenizer, prompt_ids, reply_ids
from tests.support.chat_templates import CHATML
from tests.support.train_alone import RECIPE, run_alone

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:
    """A model that has learnt sixteen replies in its own template."""
    folder = tmp_path_factory.mktemp("trained")
    tokenizer = word_tokenizer(64)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokenizer.chat_template = CHATML
    model = language_model(tokenizer, layers=2, width=64, heads=2, max_tokens=64, seed=0)
    model.resize_token_embeddings(len(tokenizer))
    model.save_pretrained(folder / "init")
    tokenizer.save_pretrained(folder / "init")
    recipe = replace(RECIPE, epochs=30.0, learning_rate=0.01, eval_steps=200)
    done, _, said = run_alone(folder / "run", folder / "init", recipe, template=CHAT)
    assert done == 0, said[-3000:]
    return folder / "run/work/model"


def asked(model: Path) -> list[Request]:
    tokenizer = load_tokenizer(model)
    questions = [f"what is the home of {name}?" for name in ("mira", "mira tom anna", "karl red")]
    prompts = [render({"instruction": text, "question": "", "passages": []}, CHAT) for text in questions]
    found = [prompt_ids(tokenizer, prompt, 1000, frame(tokenizer, CHAT)) for prompt in prompts]
    return [Request(str(n), tuple(one[0]), 0.0, 0, 0, 30) for n, one in enumerate(found) if one]


def test_a_system_trained_in_its_own_template_stops_at_the_end_of_its_reply(trained: Path) -> None:
    from reset.engines.transformers.engine import TransformersEngine

    tokenizer = load_tokenizer(trained)
    assert tokenizer.chat_template == CHATML
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    for folder in (trained, trained / "at/50"):
        assert generation.ends(folder) == [tokenizer.eos_token_id, end]
    engine = TransformersEngine(model=trained, batch=4, dtype="float32")
    assert engine.seen(asked(trained)) == [list(request.token_ids) for request in asked(trained)]
    chat = frame(tokenizer, CHAT)
    assert chat
    for answer in engine.generate(asked(trained)):
        assert answer.finish_reason == "stop", answer
        assert answer.text.startswith("the home is"), answer
        assert answer.tokens == len(reply_ids(tokenizer, "", answer.text, chat) or ())


def test_vllm_stops_where_transformers_does(trained: Path) -> None:
    pytest.importorskip("vllm", reason="needs the opt-in build of vLLM (make test installs it)")
    from reset.engines.transformers.engine import TransformersEngine
    from reset.engines.vllm.engine import VllmEngine

    ours = TransformersEngine(model=trained, batch=4, dtype="float32").generate(asked(trained))
    engine = VllmEngine(model=trained, max_model_len=64, options={"dtype": "float32"})
    try:
        theirs = {one.answer_id: (one.text, one.tokens, one.finish_reason) for one in engine.generate(asked(trained))}
    finally:
        engine._llm.llm_engine.engine_core.shutdown()
    assert theirs == {one.answer_id: (one.text, one.tokens, "stop") for one in ours}
