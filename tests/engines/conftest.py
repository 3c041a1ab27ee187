import pytest
import torch
from tokenizers import Tokenizer, pre_tokenizers
from tokenizers.models import WordLevel
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from reset.engines import Request

WORDS = 60


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A random LLaMA of two layers with a tokenizer of 60 words."""
    folder = tmp_path_factory.mktemp("tiny")
    known = {word: n for n, word in enumerate(["<pad>", "<s>", "</s>", "<unk>", *(f"w{n}" for n in range(WORDS))])}
    tokenizer = Tokenizer(WordLevel(known, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    special = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(known),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        intermediate_size=128,
        max_position_embeddings=256,
        initializer_range=0.2,  # far from uniform, so that greedy answers differ between prompts
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def requests():
    """Seven prompts of unlike lengths, each under six settings, with seeds of their own."""
    settings = [(0.0, 0), (0.7, 0), (1.0, 0), (1.0, 5), (1.0, 200), (0.0, 5)]
    made = []
    for prompt in range(7):
        ids = (1, *((prompt * 17 + place * 7) % WORDS + 4 for place in range(3 + prompt * 5)))
        for number, (temperature, top_k) in enumerate(settings):
            seed = prompt * 1000 + number
            made.append(Request(f"{prompt}|{number}", ids, temperature, top_k, seed, max_tokens=80 - 10 * number))
    return made
