"""The micro world as a data source: deterministic, no test prompt ever in training, no noise in test records."""

from typing import get_args

import pytest

from reset.errors import ResetError
from reset.micro.checks import rating
from reset.micro.facts import RELATIONS, read, sentences, support
from reset.micro.grounded import Noise
from reset.params.section import Task
from reset.sources import UNANSWERABLE, Example
from reset.sources.micro import KINDS, Micro, Unanswerable

NOISE = {"misremembered": 0.3, "famous": 0.9, "obscure": 0.3, "half_followed": 0.5}
QUIET = dict.fromkeys(NOISE, 0.0)
ROWS = {"train": 200, "dev": 50, "test": 50}


def source(kind, rows=ROWS, seed=0, noise=NOISE):
    return Micro(kind=kind, rows=rows, seed=seed, noise=noise and Noise(**noise))


def prompt(record):
    return record["instruction"], record["question"], tuple(record["passages"])


@pytest.mark.parametrize("kind", KINDS)
def test_every_record_becomes_an_example(kind):
    micro = source(kind)
    records = list(micro.generate("train"))
    examples = list(micro.outcomes(records))
    assert all(isinstance(one, Example) and one.task in get_args(Task) for one in examples)
    assert len({one.id for one in examples}) == len(examples) == 200
    assert all(len(one.references) == 1 and one.references[0] for one in examples)
    assert all((one.checks is not None) == (one.task == "instruction") for one in examples)


@pytest.mark.parametrize("kind", KINDS)
def test_records_belong_to_their_seed_and_number(kind):
    few, many = list(source(kind, {"train": 5}).generate("train")), list(source(kind).generate("train"))
    assert few == many[:5]
    assert few != list(source(kind, {"train": 5}, seed=1).generate("train"))


@pytest.mark.parametrize("kind", [kind for kind, (task, _) in KINDS.items() if task.endswith("qa")])
def test_a_share_of_questions_is_unanswerable_and_then_no_passage_tells(kind):
    plain = source(kind, {"train": 200, "test": 50})
    micro = Micro(kind=kind, rows={"train": 200, "test": 50}, seed=0, noise=None, unanswerable=Unanswerable(0.3, "x."))
    for split, least in (("train", 40), ("test", 5)):
        examples = list(micro.outcomes(micro.generate(split)))
        untold = [one for one in examples if one.checks]
        assert least < len(untold) < len(examples) / 2
        for one in untold:
            assert (one.checks, one.references) == (UNANSWERABLE, ["x."])
            facts = [fact for passage in one.passages for text in sentences(passage) if (fact := read(text))]
            assert facts and all(one.passages)
            asked = {text for entity, name, value in facts for text in asking(entity, name, value)}
            assert one.question not in asked
        told = [one for one in examples if not one.checks]
        assert all(
            one.question in {t for p in one.passages for s in sentences(p) for t in asking(*read(s))} for one in told
        )
    assert all(one.checks is None for one in plain.outcomes(plain.generate("train")))


def asking(entity, name, value):
    return RELATIONS[name].question(entity), RELATIONS[name].clue(value)


def test_micro_data_without_questions_cannot_be_unanswerable():
    with pytest.raises(ResetError, match="kind 'wikisum' have no questions, so none can be unanswerable"):
        Micro(kind="wikisum", rows=ROWS, seed=0, noise=None, unanswerable=Unanswerable(0.3, "x."))


def test_no_test_prompt_is_a_training_prompt_of_any_kind():
    trained, tested = set(), set()
    for kind in KINDS:
        micro = source(kind)
        trained |= {prompt(record) for split in ("train", "dev") for record in micro.generate(split)}
        tested |= {prompt(record) for record in micro.generate("test")}
    assert len(tested) > 400
    assert not trained & tested


@pytest.mark.parametrize("kind", KINDS)
def test_test_records_carry_no_noise(kind):
    assert list(source(kind).generate("test")) == list(source(kind, noise=QUIET).generate("test"))
    for record in source(kind).generate("test"):
        faithful(record)


@pytest.mark.parametrize("kind", ["instructions", "nq", "ms_marco", "cnn_dailymail"])
def test_training_targets_carry_the_noise_asked_for_and_none_if_none_is(kind):
    for record in source(kind, noise=QUIET).generate("train"):
        faithful(record)
    noisy = 0
    for record in source(kind).generate("train"):
        try:
            faithful(record)
        except AssertionError:
            noisy += 1
    assert 0.1 < noisy / 200 < 0.9


def faithful(record):
    """Assert that the target keeps to the passages, or follows its whole instruction."""
    context, response = " ".join(record["passages"]), record["response"]
    if "checks" in record:
        assert rating(response, record["checks"]) == 10
    elif response.endswith("."):
        assert support(response, context) == 1.0
    else:
        assert any(response in sentence for sentence in sentences(context))


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(ResetError) as raised:
        source("bioask")
    assert raised.value.message.startswith("Unknown kind of micro data 'bioask'. Did you mean 'bioasq'? Known: alpaca,")
