"""Six families answer a chat by vLLM as transformers' own `generate` does: the same ids in, the same answers out."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from reset.engines import Request
from reset.model.chat_frame import frame
from reset.model.prompts import CHAT, render
from reset.model.tokens import load_tokenizer, prompt_ids
from tests.support.families import FAMILIES
from tests.support.whole_lines import SIX

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]
MOST = 16
HEADS = {"hidden_size": 64, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 32}  # that vLLM takes
GPT_2 = {"hidden_size": 64, "n_embd": 64, "num_attention_heads": 2, "n_head": 2}


def saved(folder: Path, name: str) -> Path:
    return FAMILIES[name].save(folder / name, **(GPT_2 if name == "gpt_2" else HEADS))


def asked(model: Path) -> list[Request]:
    """Prompts in the family's own template: what its tokenizer's ids of a whole conversation begin with."""
    tokenizer = load_tokenizer(model)
    chat = frame(tokenizer, CHAT)
    assert chat
    made = []
    for number, text in enumerate(("Where does Mira live? ", "Name a red thing.", "  Say it\nin one word.")):
        prompt = render({"instruction": text, "question": "", "passages": []}, CHAT)
        ids, _ = prompt_ids(tokenizer, prompt, 400, chat)
        turns = [{"role": "user", "content": text}, {"role": "assistant", "content": "By the mill."}]
        theirs = tokenizer.apply_chat_template(turns, return_dict=False)
        assert ids is not None and ids == theirs[: len(ids)]
        made.append(Request(str(number), tuple(ids), 0.0, 0, 0, MOST))
    return made


def generated(folder: Path, request: Request) -> list[int]:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    ids = torch.tensor([request.token_ids])
    said = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=MOST, do_sample=False)
    answer: list[int] = said[0, ids.shape[1] :].tolist()
    return answer


@pytest.mark.parametrize("name", SIX)
def test_vllm_answers_as_generate_does(tmp_path: Path, name: str) -> None:
    pytest.importorskip("vllm", reason="needs the opt-in build of vLLM (make test installs it)")
    from reset.engines.vllm.engine import VllmEngine

    model = saved(tmp_path, name)
    requests = asked(model)
    engine = VllmEngine(model=model, max_model_len=512, options={"dtype": "float32", "enforce_eager": True})
    try:
        assert engine.seen(requests) == [list(request.token_ids) for request in requests]
        found = {one.answer_id: one for one in engine.generate(requests)}
    finally:
        engine._llm.llm_engine.engine_core.shutdown()
    tokenizer = load_tokenizer(model)
    for request in requests:
        said = generated(model, request)
        one = found[request.answer_id]
        assert (one.tokens, one.text) == (len(said), tokenizer.decode(said, skip_special_tokens=True))
