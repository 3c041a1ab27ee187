"""What a model folder says of answering: where engines stop, and a generation configuration that is carried along."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from reset.errors import ResetError
from reset.model import adapters, generation
from reset.model.chat_frame import frame
from reset.model.prompts import CHAT
from reset.model.tokens import load_tokenizer
from tests.support.families import FAMILIES

pytestmark = pytest.mark.usefixtures("one_thread")
VICUNA = {"temperature": 0.9, "top_p": 0.6, "eos_token_id": 2}  # without do_sample, as in Vicuna 1.5


@pytest.fixture(scope="module")
def phi_3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return FAMILIES["phi_3"].save(tmp_path_factory.mktemp("phi_3"))


def test_weights_below_an_adapter_must_stop_at_the_end_of_a_reply(phi_3: Path) -> None:
    tokenizer = load_tokenizer(phi_3)
    chat = frame(tokenizer, CHAT)
    assert chat
    with pytest.raises(ResetError, match=r"generation_config.json does not stop at '<\|end\|>'"):
        generation.require_end(phi_3, chat, tokenizer)
    generation.stop_at(phi_3, chat.end)
    generation.require_end(phi_3, chat, tokenizer)
    assert generation.ends(phi_3) == [tokenizer.eos_token_id, chat.end]
    (phi_3 / "generation_config.json").unlink()
    assert generation.ends(phi_3) == [tokenizer.eos_token_id]
    generation.stop_at(phi_3, chat.end)
    assert generation.ends(phi_3) == [tokenizer.eos_token_id, chat.end]


def test_an_end_that_is_known_changes_no_file(micro_model: Path) -> None:
    before = (micro_model / "generation_config.json").read_bytes()
    generation.stop_at(micro_model, generation.ends(micro_model)[0])
    assert (micro_model / "generation_config.json").read_bytes() == before


def test_end_tokens_of_a_model_that_reads_images_are_found_with_its_text(tmp_path: Path) -> None:
    config = {"model_type": "gemma3", "text_config": {"eos_token_id": [1, 106]}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert generation.ends(tmp_path) == [1, 106]


def test_a_configuration_that_transformers_would_not_save_is_carried_along_as_it_is(
    phi_3: Path, tmp_path: Path
) -> None:
    (phi_3 / "generation_config.json").write_text(json.dumps(VICUNA))
    theirs = AutoModelForCausalLM.from_pretrained(phi_3)
    with pytest.raises(ValueError, match="temperature"):
        theirs.save_pretrained(tmp_path / "theirs")
    ours = adapters.load(phi_3, torch.float32)
    ours.save_pretrained(tmp_path / "ours")
    generation.carry(phi_3, tmp_path / "ours")
    assert json.loads((tmp_path / "ours/generation_config.json").read_text()) == VICUNA


def test_a_mixture_of_experts_is_loaded_and_saved_without_the_outputs_of_its_routers(tmp_path: Path) -> None:
    folder = FAMILIES["mixtral"].save(tmp_path, output_router_logits=True, use_cache=False)
    config = adapters.load(folder, torch.float32).config
    assert (config.output_router_logits, config.use_cache) == (False, True)


def test_special_tokens_that_a_trainer_replaced_are_put_back() -> None:
    config = AutoModelForCausalLM.from_config(FAMILIES["gemma_3_images"].configuration()).config
    tokens = generation.special_tokens(config)
    assert tokens.keys() == {"bos_token_id", "eos_token_id", "pad_token_id"}
    config.get_text_config().pad_token_id = 5
    generation.ready(config, tokens)
    assert generation.special_tokens(config) == tokens
