"""The rater asks a real server: vLLM's own, on the loopback, with a model too small to rate anything."""

import json
import re
import string

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from reset.judges import Answer
from reset.judges.openai import OpenAIRater
from tests.support.vllm_server import serving

pytestmark = pytest.mark.slow
pytest.importorskip("vllm", reason="needs the opt-in build of vLLM (make test installs it)")

TEMPLATE = "{% for message in messages %}{{ message.content }}{% endfor %}"


@pytest.fixture(scope="module")
def server(micro_model, tmp_path_factory):
    """The base address of a running OpenAI-compatible server of the model `tiny`."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "chat.jinja").write_text(TEMPLATE)
    named = ("--served-model-name", "tiny", "--chat-template", str(folder / "chat.jinja"))
    with serving(micro_model, folder / "log", *named) as base_url:
        yield base_url


def rater(server, reply_format):
    options = {"base_url": server, "concurrency": 2, "timeout_s": 300.0, "max_retries": 0, "max_wait_s": 600.0}
    options |= {"requests_per_minute": None, "tokens_per_minute": None, "reply_format": reply_format}
    options |= {"batch_poll_s": None, "prices_usd": {}, "max_cost_usd": None}
    return OpenAIRater(name="rater", model="tiny", weak_model=None, pairwise_model=None, server=options)


@pytest.fixture
def answers(monkeypatch, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("RESET_LEDGER", str(tmp_path / "replies.sqlite"))
    return [
        Answer(str(i), text, "instruction", "test", "list two foods.", "", (), (), None)
        for i, text in enumerate(("here are two foods: soup, bread.", "soup."))
    ]


def test_a_reply_cut_at_its_limit_is_null_and_kept_as_evidence(server, answers):
    verdicts = list(rater(server, "text").verdicts(answers))
    assert [verdict.answer_id for verdict in verdicts] == ["0", "1"]
    for verdict in verdicts:
        assert (verdict.name, verdict.score) == ("rating", None)
        assert verdict.reason == "the reply is not finished: finish_reason 'length'"
        assert isinstance(verdict.detail["reply"], str)


def test_what_was_answered_is_not_asked_again(server, answers, monkeypatch):
    first = list(rater(server, "text").verdicts(answers))
    again = rater(server, "text")
    assert again.prepare(answers, "mtl").startswith("0 requests to make, 2 (100%) in the ledger")
    assert list(again.verdicts(answers)) == first


@pytest.fixture(scope="module")
def speller(tmp_path_factory):
    """The base address of a server of `tiny`, which knows letters, so that it can obey, and would write only `"`."""
    folder = tmp_path_factory.mktemp("speller")
    letters = sorted({*string.printable.strip(), "\u0120", "\u010a"})  # with a blank and a line's end as bytes
    vocabulary = {token: number for number, token in enumerate(["<pad>", "<s>", "</s>", *letters])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    named = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **named).save_pretrained(folder)
    size = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2}
    ids = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "vocab_size": len(vocabulary)}
    model = LlamaForCausalLM(LlamaConfig(**size, **ids, max_position_embeddings=4096))
    with torch.no_grad():
        model.model.embed_tokens.weight.fill_(1.0)
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        model.lm_head.weight.zero_()
        model.lm_head.weight[vocabulary['"']] = 1.0
    model.save_pretrained(folder)
    (folder / "chat.jinja").write_text(TEMPLATE)
    options = ("--served-model-name", "tiny", "--chat-template", str(folder / "chat.jinja"), "--max-model-len", "4096")
    with serving(folder, folder / "log", *options) as base_url:
        yield base_url


def test_structured_output_holds_any_model_to_a_rating(speller, answers):
    for verdict in rater(speller, "regex").verdicts(answers):
        assert verdict.score in {points / 10 for points in range(1, 11)}
        assert re.fullmatch(r"[^\[\]]{1,400}Rating: \[\[(10|[1-9])\]\]", verdict.detail["reply"], re.DOTALL)


def test_a_json_schema_holds_any_model_to_an_explanation_and_a_rating(speller, answers):
    for verdict in rater(speller, "json_schema").verdicts(answers):
        said = json.loads(verdict.detail["reply"])
        assert set(said) == {"explanation", "rating"} and isinstance(said["explanation"], str)
        assert verdict.score == said["rating"] / 10 and said["rating"] in range(1, 11)
