"""Shortcuts through sentence classifiers: each family gives the probabilities of the model as it was loaded."""

import copy
import random

import pytest
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification

from reset.judges.encoders import (
    READ_AT_FIRST,
    batches,
    join_gelu,
    keep_first_token,
    lighten,
    multiply_by_onednn,
    padded,
)

SIZE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
OWN = {"deberta-v2": {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "position_buckets": 8}}
OWN |= {"deberta": {"relative_attention": True, "pos_att_type": ["c2p", "p2c"]}, "electra": {"embedding_size": 16}}


def model(family, **changed):
    torch.manual_seed(0)
    chosen = SIZE | {"vocab_size": 50, "num_labels": 3, "initializer_range": 0.5} | OWN.get(family, {}) | changed
    return AutoModelForSequenceClassification.from_config(AutoConfig.for_model(family, **chosen)).eval()


def logits(one):
    ids = torch.randint(5, 50, (4, 12), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[0, 7:] = mask[2, 3:] = 0
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


def test_a_model_of_another_family_or_another_activation_is_left_alone():
    albert, relu = model("albert", embedding_size=16), model("bert", hidden_act="relu")
    before = logits(albert), logits(relu)
    for one in (albert, relu):
        keep_first_token(one)
        join_gelu(one)
    assert torch.equal(logits(albert), before[0])
    torch.testing.assert_close(logits(relu), before[1])
    assert not isinstance(relu.bert.encoder.layer[0].intermediate.intermediate_act_fn, torch.nn.Identity)


def test_onednn_multiplies_as_torch_does():
    layer, inputs = torch.nn.Linear(7, 5), torch.randn(2, 3, 7)
    expected = layer(inputs)
    multiply_by_onednn(layer)
    torch.testing.assert_close(layer(inputs), expected)


def test_batches_hold_no_more_tokens_than_allowed_unless_a_row_alone_does():
    lengths = [3, 9, 4, 4, 20, 1]
    found = list(batches(lengths, 10))
    assert sorted(row for batch in found for row in batch) == list(range(6))
    assert found == [[4], [1], [2, 3], [0, 5]]


def test_batches_of_any_lengths_come_in_few_shapes():
    draw = random.Random(0)
    shapes, longest = set(), set()
    for _ in range(50):
        rows = [[1] * draw.randint(10, 90) for _ in range(draw.randint(300, 900))]
        for batch in batches([len(row) for row in rows], 2048):
            found = padded([rows[row] for row in batch], 0, 512)
            assert found.numel() <= 2048
            shapes.add(tuple(found.shape))
            longest.add(max(len(rows[row]) for row in batch))
    assert len(longest) > 60
    assert len(shapes) < 60


def test_rows_are_padded_to_no_more_tokens_than_a_model_has_places_for():
    assert padded([[5, 6], [7] * 33], 0, 34).tolist() == [[5, 6, *[0] * 32], [*[7] * 33, 0]]
    assert padded([[5] * 33], 0, 512).shape == (1, 36)


def test_rows_added_to_fill_a_batch_stand_behind_its_own():
    found = padded([[number] for number in range(9)], 0, 512)
    assert found.shape == (12, 1)
    assert found[:, 0].tolist() == [*range(9), 0, 0, 0]
