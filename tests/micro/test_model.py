"""The micro tokenizers give every text of the world back, and the model is an ordinary saved LLaMA."""

import itertools

import pytest
import torch
from transformers import AutoTokenizer

from reset.bases.micro_nli import MicroNli
from reset.micro.corpus import documents
from reset.micro.grounded import Noise
from reset.micro.model import SPECIAL, byte_tokenizer, vocabulary, word_tokenizer
from reset.model.prompts import render
from reset.sources.micro import KINDS, Micro

pytestmark = pytest.mark.slow

NOISE = dict.fromkeys(("misremembered", "famous", "obscure", "half_followed"), 0.5)


@pytest.fixture(scope="module")
def words():
    return word_tokenizer(512)


@pytest.mark.parametrize("kind", KINDS)
def test_the_word_tokenizer_knows_every_word_of_the_world(words, kind):
    micro = Micro(kind=kind, rows={"train": 150, "test": 150}, seed=3, noise=Noise(**NOISE))
    for record in itertools.chain(micro.generate("train"), micro.generate("test")):
        prompt = render(record, "micro").text
        for text in (prompt, record["response"]):
            ids = words(text, add_special_tokens=False)["input_ids"]
            assert words.unk_token_id not in ids, text
            assert words.decode(ids) == " ".join(text.split())


def test_documents_of_the_world_come_back_too(words):
    known = [piece.strip() for piece in vocabulary() if piece.strip().isalpha()]
    for text in itertools.islice(documents(0, known), 100):
        assert words.decode(words(text, add_special_tokens=False)["input_ids"]) == text


@pytest.mark.parametrize("text", ["a b.", "Zoë said: „naïve“ — 東京!\n\ttwice  over ", "", " x"])
def test_the_byte_tokenizer_gives_any_text_back(text):
    tokenizer = byte_tokenizer(512)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert len(ids) == len(text.encode())
    assert tokenizer.decode(ids) == text


@pytest.mark.parametrize("make", [word_tokenizer, byte_tokenizer])
def test_special_tokens_frame_a_text_and_a_pair_and_survive_saving(tmp_path, make):
    make(512).save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert tokenizer.convert_ids_to_tokens(range(5)) == SPECIAL
    first, second = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in ("red boat", "old rope"))
    bos, eos, sep = tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.sep_token_id
    assert tokenizer("red boat")["input_ids"] == [bos, *first]
    assert tokenizer("red boat", "old rope")["input_ids"] == [bos, *first, sep, *second, eos]
    assert tokenizer.model_max_length == 512


def test_the_model_of_a_seed_is_always_the_same(one_thread, words):
    from reset.micro.model import language_model

    def weights(seed):
        return language_model(words, layers=2, width=64, heads=2, max_tokens=64, seed=seed).model.layers[1]

    first, again, other = (weights(seed).self_attn.q_proj.weight for seed in (0, 0, 1))
    assert first.equal(again)
    assert not first.equal(other)


def test_the_saved_model_is_an_ordinary_llama(micro_model):
    from transformers import AutoModelForCausalLM, LlamaForCausalLM

    model = AutoModelForCausalLM.from_pretrained(micro_model, use_safetensors=True)
    assert isinstance(model, LlamaForCausalLM)
    assert (model.config.bos_token_id, model.config.eos_token_id, model.config.pad_token_id) == (1, 2, 0)
    assert model.config.vocab_size % 8 == 0


def test_the_nli_judge_starts_from_a_head_of_the_seed_alone(micro_model):
    heads = []
    for seed, before in ((1, 10), (1, 20), (2, 10)):
        torch.manual_seed(before)
        judge = MicroNli(needs=micro_model, seed=seed, pairs=1, batch_size=1, learning_rate=1e-3)
        heads.append(judge._model.score.weight)
    assert torch.equal(heads[0], heads[1]) and not torch.equal(heads[0], heads[2])
