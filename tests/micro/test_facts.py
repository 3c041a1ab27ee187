"""The world's sentences can be read back, and its oracle knows what follows from what."""

import itertools
import random

import pytest

from reset.micro.corpus import LABELS, documents, pairs
from reset.micro.facts import FAMOUS, MEMORY, RELATIONS, any_value, entails, read, sentences, support
from reset.micro.model import vocabulary
from reset.micro.words import ENTITIES


@pytest.mark.parametrize("relation", RELATIONS.values(), ids=RELATIONS)
def test_a_stated_fact_is_read_back_in_both_wordings(relation):
    rng = random.Random(relation.name)
    for entity in ENTITIES[relation.subject]:
        value = any_value(rng, relation)
        for way in (0, 1):
            assert read(relation.state(entity, value, way)) == (entity, relation.name, value)


def test_what_states_no_fact_is_not_read():
    for sentence in ("the day was cold.", "mira flies to red forest.", "oslo lives in red forest.", ""):
        assert read(sentence) is None


def test_the_two_wordings_entail_each_other_and_another_value_does_not():
    assert entails("mira lives in red forest.", "the home of mira is red forest.")
    assert not entails("mira lives in red forest.", "the home of mira is blue forest.")
    assert not entails("mira lives in red forest.", "the home of tom is red forest.")
    assert entails("nobody knows why.", "nobody knows why.")
    assert not entails("nobody knows why.", "many people came to see it.")


def test_support_is_the_share_of_entailed_sentences():
    context = "mira lives in red forest. tom eats old soup."
    assert support("the home of mira is red forest. tom eats old soup.", context) == 1.0
    assert support("the home of mira is red forest. tom eats new soup.", context) == 0.5
    assert support("nobody knows why.", context) == 0.0
    assert support(" ", context) is None


def test_sentences_keep_their_end_and_a_last_piece_without_one():
    assert sentences("a b. c? d") == ["a b.", "c?", "d"]
    assert sentences("") == []


def test_the_memory_holds_every_relation_of_every_entity():
    assert len(MEMORY) == sum(len(ENTITIES[relation.subject]) for relation in RELATIONS.values())


def test_three_fifths_of_each_kind_are_famous():
    for names in ENTITIES.values():
        assert 0.5 < sum(name in FAMOUS for name in names) / len(names) < 0.7


def test_sentence_pairs_are_labelled_as_the_oracle_says():
    drawn = list(itertools.islice(pairs("a test"), 600))
    for premise, hypothesis, label in drawn:
        assert entails(premise, hypothesis) == (label == "entailment")
    assert {label for *_, label in drawn} == set(LABELS)
    assert drawn == list(itertools.islice(pairs("a test"), 600))
    assert drawn != list(itertools.islice(pairs("another"), 600))


def test_documents_belong_to_their_seed():
    words = [piece.strip() for piece in vocabulary() if piece.strip().isalpha()]
    first, again, other = (list(itertools.islice(documents(seed, words), 20)) for seed in (0, 0, 1))
    assert first == again != other
