"""DeBERTa's attention with few relative positions: it says what transformers' own says, or is not taken."""

import copy

import pytest
import torch
from transformers import AutoModelForSequenceClassification, DebertaV2Config
from transformers.models.deberta_v2 import modeling_deberta_v2 as known

from reset.judges.sentences.disentangled import SlicedAttention, slice_positions
from reset.judges.sentences.encoders import lighten

pytestmark = pytest.mark.slow

BOTH = ("c2p", "p2c")
SIZE = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 64, "vocab_size": 50}
OPTIONS = {"type_vocab_size": 0, "position_biased_input": False, "num_labels": 3, "initializer_range": 0.3}


def model(kinds=BOTH, share=True, buckets=256, **changed):
    torch.manual_seed(0)
    positions = {"position_buckets": buckets, "norm_rel_ebd": "layer_norm", "relative_attention": True}
    attention = positions | {"pos_att_type": list(kinds), "share_att_key": share}
    made = AutoModelForSequenceClassification.from_config(DebertaV2Config(**SIZE | OPTIONS | attention | changed))
    for name, weights in made.named_parameters():
        if name.endswith("bias"):  # all zero when made
            torch.nn.init.normal_(weights)
    return made.eval()


def logits(one, tokens):
    ids = torch.randint(5, 50, (3, tokens), generator=torch.Generator().manual_seed(0))
    mask = (torch.arange(tokens) < torch.tensor([tokens, max(1, tokens // 2), min(3, tokens)])[:, None]).long()
    with torch.inference_mode():
        return one(input_ids=ids, attention_mask=mask).logits


def kind_of(one):
    return {type(layer.attention.self) for layer in one.deberta.encoder.layer}


@pytest.mark.parametrize("kinds", [BOTH, ("c2p",), ("p2c",)])
@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize("buckets", [256, 16, -1])
def test_rows_of_any_length_get_the_same_logits(kinds, share, buckets):
    plain = model(kinds, share, buckets)
    sliced, short = copy.deepcopy(plain), copy.deepcopy(plain)
    slice_positions(sliced)
    lighten(short)
    assert kind_of(sliced) == kind_of(short) == {SlicedAttention}
    for tokens in (1, 2, 40, 150):
        expected = logits(plain, tokens)
        torch.testing.assert_close(logits(sliced, tokens), expected, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(logits(short, tokens), expected, rtol=1e-5, atol=1e-5)
        assert expected.std(dim=0).min() > 0.001 or tokens < 3  # what always says the same would pass as well


@pytest.mark.parametrize(
    "changed", [{"conv_kernel_size": 3}, {"max_position_embeddings": 64}, {"norm_rel_ebd": "none"}]
)
def test_other_parts_of_the_family_get_the_same_logits(changed):
    plain = model(**changed)
    short = copy.deepcopy(plain)
    lighten(short)
    assert kind_of(short) == {SlicedAttention}
    for tokens in (40, 150):
        torch.testing.assert_close(logits(short, tokens), logits(plain, tokens), rtol=1e-5, atol=1e-5)


def test_lighter_numbers_stray_less_than_twice_as_far():
    exact = model()
    plain = copy.deepcopy(exact).to(torch.bfloat16)
    short = copy.deepcopy(plain)
    lighten(short)
    assert kind_of(short) == {SlicedAttention}
    strays = [(logits(one, 40).float() - logits(exact, 40)).abs().mean() for one in (short, plain)]
    assert 0 < strays[0] < 2 * strays[1] < 0.2


def test_attention_that_computes_something_else_stays(monkeypatch):
    theirs = known.DisentangledSelfAttention.forward
    monkeypatch.setattr(
        known.DisentangledSelfAttention,
        "forward",
        lambda *args, **options: (theirs(*args, **options)[0] * 1.0001, None),
    )
    plain = model()
    expected = logits(plain, 40)
    slice_positions(plain)
    assert kind_of(plain) == {known.DisentangledSelfAttention}
    assert torch.equal(logits(plain, 40), expected)


def test_attention_of_another_class_or_without_relative_positions_stays():
    class Other(known.DisentangledSelfAttention):
        pass

    other, absolute = model(), model(relative_attention=False)
    other.deberta.encoder.layer[1].attention.self.__class__ = Other
    for one in (other, absolute, model(kinds=())):
        expected = logits(one, 40)
        slice_positions(one)
        assert SlicedAttention not in kind_of(one)
        assert torch.equal(logits(one, 40), expected)
