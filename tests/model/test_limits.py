"""What a model can read: its vocabulary and its longest text."""

import pytest
from transformers import AutoModelForCausalLM

from reset.model.limits import embeddings, positions
from tests.support.families import FAMILIES


@pytest.mark.parametrize("name", ["gpt_2", "llama_2", "mpt", "gemma_3_images", "qwen_3_5"])
def test_the_limits_of_a_family_are_found_wherever_they_stand(name: str) -> None:
    config = FAMILIES[name].configuration()
    assert positions(config) == 512
    model = AutoModelForCausalLM.from_config(config)
    assert embeddings(model) == len(FAMILIES[name].tokenizer())


def test_a_state_space_model_has_no_longest_text() -> None:
    config = FAMILIES["mamba"].configuration()
    del config.max_position_embeddings  # which the test's sizes give to every family
    assert positions(config) is None
