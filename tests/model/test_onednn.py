"""oneDNN multiplies as torch does, and engine `transformers` lets it where matrices are large."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from reset.engines import Request
from reset.engines.transformers.engine import TransformersEngine
from reset.model import onednn
from reset.planning import model_size
from tests.support.families import FAMILIES

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]
WIDE = {"hidden_size": 512, "intermediate_size": 1024, "num_attention_heads": 8, "tie_word_embeddings": True}


def laid_out(model: torch.nn.Module) -> set[str]:
    return {name for name, weights in model.named_parameters() if weights.is_mkldnn}


def test_a_layer_computes_the_same_up_to_rounding() -> None:
    layer, inputs = torch.nn.Linear(7, 5), torch.randn(2, 3, 7)
    expected = layer(inputs)
    onednn.lay_out(layer)
    assert laid_out(layer) == {"weight"}
    torch.testing.assert_close(layer(inputs), expected)


def test_a_wide_model_answers_as_generate_does_and_a_narrow_one_is_left_alone(tmp_path: Path) -> None:
    wide = FAMILIES["llama_3"].save(tmp_path / "wide", **WIDE, vocab_size=600, initializer_range=0.1)
    engine = TransformersEngine(model=wide, batch=4, dtype="float32")
    layers = laid_out(engine._model)
    assert {"lm_head.weight", "model.layers.0.mlp.up_proj.weight"} <= layers
    assert not any("k_proj" in name or "embed" in name for name in layers)  # 128 x 512, and the table of words
    plain = AutoModelForCausalLM.from_pretrained(wide, dtype=torch.float32)
    asked = {str(n): tuple(range(5 + n, 12 + 3 * n)) for n in range(6)}
    found = engine.generate([Request(name, ids, 0.0, 0, 0, 16) for name, ids in asked.items()])
    for one in found:
        ids = asked[one.answer_id]
        with torch.inference_mode():
            said = plain.generate(torch.tensor([ids]), max_new_tokens=16, do_sample=False)[0, len(ids) :]
        assert one.text == engine._tokenizer.decode(said, skip_special_tokens=True)
        assert one.tokens == len(said)
    narrow = FAMILIES["llama_3"].save(tmp_path / "narrow")
    assert not laid_out(TransformersEngine(model=narrow, batch=4, dtype="float32")._model)


def test_the_plan_counts_the_copy_of_a_head_that_is_the_embeddings(tmp_path: Path) -> None:
    sizes = [
        model_size.shape(
            FAMILIES["llama_3"].save(tmp_path / str(tied), **WIDE | {"tie_word_embeddings": tied}, vocab_size=600)
        )
        for tied in (True, False)
    ]
    assert [one.tied for one in sizes] == [512 * 600, 0]
    asked = {"sequences": 2, "prompt_tokens": 9, "answer_tokens": 5}
    assert sizes[0].answering(torch.float32, **asked) == sizes[1].answering(torch.float32, **asked)
