"""Engine `openai` asks a real server, vLLM's own: the same greedy answers as from the transformers engine."""

import random

import pytest

from reset.engines import Request
from reset.engines.openai.engine import OpenAIEngine
from reset.engines.transformers.engine import TransformersEngine
from reset.params import load
from tests.support.vllm_server import serving

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]
pytest.importorskip("vllm", reason="needs the opt-in build of vLLM (make test installs it)")


@pytest.fixture(scope="module")
def engine(micro_model, tmp_path_factory, composed):
    """The engine as the scales set it up, asking a server of the micro world's model."""
    row = load(composed("paper")).sample.engines["openai"]
    with serving(micro_model, tmp_path_factory.mktemp("server") / "log") as base_url:
        yield OpenAIEngine(model=micro_model, **row | {"base_urls": [base_url], "concurrency": 8})


def prompts(count):
    """Prompts of random words, three to forty tokens long, BOS first."""
    rng = random.Random(0)
    return [(1, *(rng.randrange(5, 370) for _ in range(rng.randint(2, 39)))) for _ in range(count)]


def requests(settings, count=20):
    return [
        Request(f"{number}|{i}", ids, *setting, 10 * number + i, 24)
        for number, ids in enumerate(prompts(count))
        for i, setting in enumerate(settings)
    ]


def by_id(completions):
    return {one.answer_id: one for one in completions}


def test_greedy_answers_are_those_of_the_transformers_engine(engine, micro_model):
    asked = requests([(0.0, 0), (1.0, 1)])
    theirs = by_id(engine.generate(asked))
    ours = by_id(TransformersEngine(model=micro_model, batch=16, dtype="float32").generate(asked))
    assert theirs.keys() == ours.keys() and len(ours) == 40
    for name, one in ours.items():
        other = theirs[name]
        assert (other.text, other.tokens, other.finish_reason) == (one.text, one.tokens, one.finish_reason)
        assert other.mean_logprob == pytest.approx(one.mean_logprob, abs=1e-3)
    assert {one.finish_reason for one in ours.values()} == {"stop", "length"}


def test_the_server_reads_the_ids_it_is_sent(engine):
    asked = requests([(0.0, 0)])
    assert engine.seen(asked) == [list(request.token_ids) for request in asked]


def test_a_seed_gives_its_answer_again_and_settings_differ(engine):
    asked = requests([(1.5, 0), (1.5, 0), (1.5, 5)], count=10)
    first, again = by_id(engine.generate(asked)), by_id(engine.generate(asked[::-1]))
    assert {name: one.text for name, one in first.items()} == {name: one.text for name, one in again.items()}
    assert len({one.text for one in first.values()}) > 25


def test_prompts_and_answers_beyond_the_server_s_length_are_errors_of_their_own(engine):
    long = [Request("answer", (1,) * 1020, 0.0, 0, 0, 10), Request("prompt", (1,) * 1030, 0.0, 0, 0, 10)]
    found = by_id(engine.generate([*long, *requests([(0.0, 0)], count=2)]))
    assert found.pop("answer").finish_reason == "error: prompt and answer exceed the server's length"
    assert found.pop("prompt").finish_reason == "error: the server refused (status 400)"
    assert {one.finish_reason for one in found.values()} <= {"stop", "length"}
