"""Engine transformers answers as `generate` does, for models of every kind, or names the engine that may."""

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from reset.engines import Request
from reset.engines.transformers import states
from reset.engines.transformers.cache import roomy_cache
from reset.engines.transformers.engine import TransformersEngine
from reset.errors import ResetError
from tests.support.families import FAMILIES

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]
STATES = ["qwen_3_next", "qwen_3_5", "lfm_2", "granite_hybrid", "falcon_h1", "mamba", "mamba_2"]
OTHERS = [name for name in FAMILIES if name not in [*STATES, "rwkv"]]
MOST = 20


def prompts() -> list[tuple[int, ...]]:
    """Seven prompts of unlike lengths, longer than the window of a family that has one."""
    rng = random.Random(1)
    return [tuple(rng.randrange(5, 200) for _ in range(rng.choice([2, 3, 9, 25, 40]))) for _ in range(7)]


def generated(model: PreTrainedModel, ids: tuple[int, ...], ends: set[int]) -> list[int]:
    """What `generate` says to one prompt alone, up to its end token."""
    how: Any = {"max_new_tokens": MOST, "do_sample": False, "attention_mask": torch.ones(1, len(ids), dtype=torch.long)}
    with torch.inference_mode():
        said: list[int] = model.generate(torch.tensor([ids]), **how)[0, len(ids) :].tolist()
    return said[: next((n + 1 for n, token in enumerate(said) if token in ends), len(said))]


def compare(folder: Path) -> None:
    """Compare answers in batches of unlike prompts, each asked three times, with those of each prompt alone."""
    engine = TransformersEngine(model=folder, batch=10, dtype="float32")
    asked = [Request(f"{n}|{k}", ids, 0.0, 0, 0, MOST - 3 * k) for n, ids in enumerate(prompts()) for k in range(3)]
    found = {one.answer_id: one for one in engine.generate(asked)}
    model, ends = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32), set(engine._ends.tolist())
    for number, ids in enumerate(prompts()):
        whole = generated(model, ids, ends)
        for k in range(3):
            said, one = whole[: MOST - 3 * k], found[f"{number}|{k}"]
            text = engine._tokenizer.decode([token for token in said if token not in ends], skip_special_tokens=True)
            assert (one.text, one.tokens) == (text, len(said))


@pytest.mark.parametrize("name", STATES)
def test_models_with_states_answer_as_generate_does(tmp_path: Path, name: str) -> None:
    compare(FAMILIES[name].save(tmp_path))


@pytest.mark.parametrize("name", OTHERS)
def test_models_of_attention_alone_answer_as_generate_does(tmp_path: Path, name: str) -> None:
    compare(FAMILIES[name].save(tmp_path))


def test_a_mixture_of_experts_saved_with_the_outputs_of_its_routers_answers(tmp_path: Path) -> None:
    folder = FAMILIES["mixtral"].save(tmp_path, output_router_logits=True)
    (one,) = TransformersEngine(model=folder, batch=2, dtype="float32").generate([Request("a", (5, 6), 0.0, 0, 0, 4)])
    assert one.tokens == 4 or one.finish_reason == "stop"


@pytest.mark.parametrize("name", ["qwen_3_next", "mamba", "falcon_h1"])
def test_models_with_states_answer_in_bfloat16(tmp_path: Path, name: str) -> None:
    engine = TransformersEngine(model=FAMILIES[name].save(tmp_path), batch=4, dtype="bfloat16")
    found = list(engine.generate([Request(str(n), ids, 0.0, 0, 0, 5) for n, ids in enumerate(prompts())]))
    assert all(one.tokens for one in found)


def test_a_model_whose_state_is_elsewhere_names_another_engine(tmp_path: Path) -> None:
    with pytest.raises(ResetError, match=r"cannot sample a model of type 'rwkv', .* set sample.engine to vllm, or to"):
        TransformersEngine(model=FAMILIES["rwkv"].save(tmp_path), batch=4, dtype="float32")


def test_states_that_see_the_padding_are_found_before_anything_is_sampled(tmp_path: Path) -> None:
    engine = TransformersEngine(model=FAMILIES["lfm_2"].save(tmp_path), batch=4, dtype="float32")

    def blind(requests: list[Request]) -> Any:
        """Read the prompts as if their padding were text."""
        ids, mask = engine._padded([request.token_ids for request in requests])
        cache = roomy_cache(engine._model.config)
        logits, mask = engine._step(ids, mask[:, :0], cache, new=torch.ones_like(mask))
        return logits, mask, cache, None

    states.check(engine._model, engine._prefill, engine._step)
    with pytest.raises(
        ResetError, match="computes other logits for prompts of unlike lengths in a model of type 'lfm2'"
    ):
        states.check(engine._model, blind, engine._step)
