"""Shortcuts through sentence classifiers: each family gives the probabilities of the model as it was loaded."""

import copy

import pytest
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification

from reset.judges.sentences.encoders import READ_AT_FIRST, join_gelu, keep_first_token, lighten

SIZE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
OWN = {"deberta-v2": {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "position_buckets": 8}}
OWN |= {"deberta": {"relative_attention": True, "pos_att_type": ["c2p", "p2c"]}, "electra": {"embedding_size": 16}}


def model(family, attention=None, **changed):
    torch.manual_seed(0)
    chosen = SIZE | {"vocab_size": 50, "num_labels": 3, "initializer_range": 0.5} | OWN.get(family, {}) | changed
    config = AutoConfig.for_model(family, **chosen)
    made = AutoModelForSequenceClassification.from_config(config, attn_implementation=attention).eval()
    for name, weights in made.named_parameters():
        if name.endswith("bias"):  # all zero when made
            torch.nn.init.normal_(weights)
    return made


def logits(one, lengths=(7, 12, 3, 12)):
    ids = torch.randint(5, 50, (4, 12), generator=torch.Generator().manual_seed(0))
    mask = (torch.arange(12) < torch.tensor(lengths)[:, None]).long()
    with torch.inference_mode():
        return one(input_ids=ids, attention_mask=mask).logits


@pytest.mark.parametrize("family", sorted(READ_AT_FIRST))
def test_an_encoder_says_the_same_by_all_shortcuts(family):
    plain = model(family)
    short, seen = copy.deepcopy(plain), []
    lighten(short)
    last = short.base_model.encoder.layer[-1].intermediate
    last.register_forward_pre_hook(lambda module, args: seen.append(args[0].shape))
    expected = logits(plain)
    torch.testing.assert_close(logits(short), expected, rtol=1e-5, atol=1e-5)
    assert seen == [(4, 1, 32)]
    assert isinstance(last.intermediate_act_fn, torch.nn.Identity)
    assert expected.std(dim=0).min() > 0.01  # a model that always says the same would pass as well


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("lengths", [(7, 12, 3, 12), (12, 12, 12, 12)])
def test_the_first_token_attends_to_what_is_no_padding(attention, lengths):
    plain = model("bert", attention)
    short = copy.deepcopy(plain)
    keep_first_token(short)
    own = short.bert.encoder.layer[-1].attention.self
    assert not any(name in dict(own.named_modules()) for name in ("key", "value"))
    torch.testing.assert_close(logits(short, lengths), logits(plain, lengths), rtol=1e-5, atol=1e-5)
    assert not torch.allclose(logits(plain, lengths), logits(plain, (5, 5, 5, 5)), atol=0.2)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_lighter_numbers_stray_less_than_twice_as_far_for_the_first_token_alone(attention):
    exact = model("bert", attention)
    plain = copy.deepcopy(exact).to(torch.bfloat16)
    short = copy.deepcopy(plain)
    keep_first_token(short)
    strays = [(logits(one) - logits(exact)).abs().mean() for one in (short, plain)]
    assert 0 < strays[0] < 2 * strays[1] < 0.1


def test_where_torch_has_no_onednn_only_what_needs_none_is_taken(monkeypatch):
    plain = model("bert")
    expected = logits(plain)
    monkeypatch.setattr("torch.backends.mkldnn.is_available", lambda: False)
    lighten(plain)
    assert not isinstance(plain.bert.encoder.layer[0].intermediate.intermediate_act_fn, torch.nn.Identity)
    torch.testing.assert_close(logits(plain), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("family", ["albert", "bert", "deberta-v2"])
def test_a_processor_that_does_not_compute_in_bfloat16_reads_such_a_model_without_onednn(monkeypatch, family):
    monkeypatch.setattr("reset.model.precision._on_cpu", lambda: False)
    plain = model(family, **({"embedding_size": 16} if family == "albert" else {})).to(torch.bfloat16)
    short = copy.deepcopy(plain)
    lighten(short)
    torch.testing.assert_close(logits(short), logits(plain), rtol=0.1, atol=0.1)
    assert all("forward" not in vars(layer) for layer in short.modules() if type(layer) is torch.nn.Linear)


def test_a_model_of_another_family_or_another_activation_is_left_alone():
    albert, relu = model("albert", embedding_size=16), model("bert", hidden_act="relu")
    before = logits(albert), logits(relu)
    for one in (albert, relu):
        keep_first_token(one)
        join_gelu(one)
    assert torch.equal(logits(albert), before[0])
    torch.testing.assert_close(logits(relu), before[1])
    assert not isinstance(relu.bert.encoder.layer[0].intermediate.intermediate_act_fn, torch.nn.Identity)
