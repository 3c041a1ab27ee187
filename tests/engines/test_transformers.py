"""The transformers engine decodes as `generate` does, and an answer depends on nothing but its own request."""

import random

import pytest
import torch
from transformers import AutoModelForCausalLM

from reset.engines import Request
from reset.engines.choice import choose, uniform
from reset.engines.transformers import TransformersEngine
from reset.errors import ResetError
from reset.tokens import load_tokenizer

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def engine(micro_model):
    return TransformersEngine(model=micro_model, batch=8, dtype="float32")


def prompts(count, seed=0):
    """Prompts of random words, three to forty tokens long, BOS first."""
    rng = random.Random(seed)
    return [(1, *(rng.randrange(5, 370) for _ in range(rng.randint(2, 39)))) for _ in range(count)]


def greedy(answer_id, token_ids, max_tokens=24):
    return Request(answer_id, token_ids, 0.0, 0, 0, max_tokens)


def mixed(count=30, each=3):
    """Several answers to each prompt: greedy, at a temperature, at a top-k; of different lengths."""
    settings = [(0.0, 0), (0.7, 0), (1.0, 5), (1.5, 0), (1.3, 50)]
    rng = random.Random(1)
    return [
        Request(f"{number}|{i}", token_ids, *settings[(number + i) % 5], rng.getrandbits(31), rng.randint(1, 24))
        for number, token_ids in enumerate(prompts(count))
        for i in range(each)
    ]


def by_id(completions):
    return {one.answer_id: one for one in completions}


def assert_equal(found, expected):
    assert found.keys() == expected.keys()
    for name, one in expected.items():
        other = found[name]
        assert (other.text, other.tokens, other.finish_reason) == (one.text, one.tokens, one.finish_reason), name
        assert other.mean_logprob == pytest.approx(one.mean_logprob, abs=1e-4)


def test_greedy_answers_equal_those_of_generate(micro_model, engine):
    model = AutoModelForCausalLM.from_pretrained(micro_model, dtype=torch.float32)
    tokenizer = load_tokenizer(micro_model)
    asked = prompts(40)
    found = by_id(engine.generate([greedy(str(number), ids) for number, ids in enumerate(asked)]))
    reasons = set()
    for number, ids in enumerate(asked):
        with torch.inference_mode():
            said = model.generate(torch.tensor([ids]), max_new_tokens=24, do_sample=False)[0, len(ids) :].tolist()
        stopped = said[-1] == tokenizer.eos_token_id
        one = found[str(number)]
        assert one.text == tokenizer.decode(said, skip_special_tokens=True)
        assert one.tokens == len(said)
        assert one.finish_reason == ("stop" if stopped else "length")
        reasons.add(one.finish_reason)
    assert reasons == {"stop", "length"}


def test_mean_logprob_is_that_of_the_model_at_temperature_one(micro_model, engine):
    model = AutoModelForCausalLM.from_pretrained(micro_model, dtype=torch.float32)
    ids = prompts(1)[0]
    for temperature in (0.0, 0.4):
        (one,) = engine.generate([Request("a", ids, temperature, 0, 7, 6)])
        said = load_tokenizer(micro_model)(one.text, add_special_tokens=False)["input_ids"]
        said += [2] * (one.tokens - len(said))  # the end token is counted and has no text
        with torch.inference_mode():
            logprobs = model(torch.tensor([[*ids, *said]])).logits[0].log_softmax(dim=-1)
        expected = sum(float(logprobs[len(ids) - 1 + i, token]) for i, token in enumerate(said)) / len(said)
        assert one.mean_logprob == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("batch", [1, 5, 1000])
def test_answers_do_not_depend_on_the_batch_size(micro_model, engine, batch):
    requests = mixed()
    other = TransformersEngine(model=micro_model, batch=batch, dtype="float32")
    assert_equal(by_id(other.generate(requests)), by_id(engine.generate(requests)))


def test_answers_do_not_depend_on_the_order_of_requests_or_on_their_company(engine):
    requests = mixed()
    expected = by_id(engine.generate(requests))
    shuffled = random.Random(2).sample(requests, len(requests))
    assert_equal(by_id(engine.generate(shuffled)), expected)
    few = requests[5:12]
    assert_equal(by_id(engine.generate(few)), {r.answer_id: expected[r.answer_id] for r in few})


def test_one_prompt_shared_by_many_answers_gives_each_its_own(engine):
    (ids,) = prompts(1)
    requests = [Request(str(seed), ids, 1.5, 0, seed, 12) for seed in range(20)]
    shared = by_id(engine.generate(requests))
    assert len({one.text for one in shared.values()}) > 15
    for request in requests[:4]:
        assert_equal(by_id(engine.generate([request])), {request.answer_id: shared[request.answer_id]})


def test_top_k_one_is_greedy_whatever_the_temperature_and_the_seed(engine):
    for number, ids in enumerate(prompts(10)):
        expected = by_id(engine.generate([greedy("a", ids)]))
        assert_equal(by_id(engine.generate([Request("a", ids, 1.7, 1, number, 24)])), expected)


def test_a_seed_decides_a_sampled_answer(engine):
    (ids,) = prompts(1)
    one, again, other = (next(iter(engine.generate([Request("a", ids, 1.5, 0, seed, 12)]))) for seed in (3, 3, 4))
    assert one == again
    assert one.text != other.text


def test_the_largest_seed_is_a_seed(engine):
    (one,) = engine.generate([Request("a", prompts(1)[0], 1.0, 0, 2**31 - 1, 12)])
    assert one.tokens


def test_no_answer_is_longer_than_asked(engine):
    for one, request in zip(sorted(engine.generate(mixed()), key=lambda c: c.answer_id), ordered(mixed()), strict=True):
        assert 1 <= one.tokens <= request.max_tokens
        assert one.finish_reason == "stop" or one.tokens == request.max_tokens


def ordered(requests):
    return sorted(requests, key=lambda r: r.answer_id)


def test_what_exceeds_the_models_positions_is_an_error_and_stops_nothing_else(engine):
    long, short = (1,) * 1020, prompts(1)[0]
    found = by_id(engine.generate([greedy("long", long), greedy("short", short)]))
    assert found["long"].finish_reason == "error: prompt and answer exceed the model's 1024 positions"
    assert (found["long"].text, found["long"].tokens, found["long"].mean_logprob) == ("", 0, None)
    assert_equal({"short": found["short"]}, by_id(engine.generate([greedy("short", short)])))
    assert [one.finish_reason for one in engine.generate([greedy("fits", (1,) * 1020, 4)])] != ["error"]


def test_no_requests_give_no_completions(engine):
    assert list(engine.generate([])) == []


def test_answers_longer_than_the_room_of_the_cache_are_right(micro_model, engine):
    model = AutoModelForCausalLM.from_pretrained(micro_model, dtype=torch.float32)
    ids = prompts(1, seed=5)[0]
    with torch.inference_mode():
        logits = model(torch.tensor([ids])).logits
    assert logits.shape[-1] > 100
    requests = [Request(str(seed), ids, 3.0, 0, seed, 150) for seed in range(12)]
    found = by_id(engine.generate(requests))
    assert max(one.tokens for one in found.values()) > 70
    alone = TransformersEngine(model=micro_model, batch=1, dtype="float32")
    assert_equal(by_id(alone.generate(requests)), found)


def test_an_unknown_dtype_names_the_nearest(micro_model):
    with pytest.raises(ResetError) as raised:
        TransformersEngine(model=micro_model, batch=8, dtype="bloat16")
    assert raised.value.message == ("Unknown dtype 'bloat16'. Did you mean 'bfloat16'? Known: auto, bfloat16, float32")


def test_a_uniform_number_belongs_to_its_seed_and_step():
    seeds = torch.tensor([0, 1, 2**31 - 1])
    for step in (0, 3, 4, 7, 8, 63, 5000):
        numbers = uniform(seeds, step)
        assert numbers.tolist() == [uniform(seeds[i : i + 1], step).item() for i in range(3)]
        assert bool(((numbers >= 0) & (numbers < 1)).all())


def test_uniform_numbers_are_uniform_over_seeds_and_over_steps():
    over_seeds = uniform(torch.arange(20_000), 5)
    over_steps = torch.stack([uniform(torch.tensor([12345]), step)[0] for step in range(5_000)])
    for numbers in (over_seeds, over_steps):
        shares = torch.histc(numbers, bins=10, min=0, max=1) / len(numbers)
        assert float((shares - 0.1).abs().max()) < 0.015
    assert len(set(over_steps.tolist())) == 5_000
    correlation = torch.corrcoef(torch.stack([over_seeds[1:], over_seeds[:-1]]))[0, 1]
    assert abs(float(correlation)) < 0.03


def drawn_shares(logits, temperature, top_k, count=40_000):
    logits = torch.tensor(logits).repeat(count, 1)
    numbers = uniform(torch.arange(count), 0)
    chosen = choose(logits, torch.full((count,), temperature), torch.full((count,), top_k), numbers)
    return (torch.bincount(chosen, minlength=logits.shape[1]) / count).tolist()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_tokens_are_drawn_with_the_probabilities_of_the_softmax(temperature):
    logits = [1.0, -1.0, 0.5, -20.0]
    expected = (torch.tensor(logits) / temperature).softmax(dim=0).tolist()
    assert drawn_shares(logits, temperature, 0) == pytest.approx(expected, abs=0.01)


def test_top_k_draws_among_the_k_likeliest_only():
    logits = [1.0, -1.0, 0.5, 0.0]
    expected = torch.tensor([1.0, -torch.inf, 0.5, -torch.inf]).softmax(dim=0).tolist()
    assert drawn_shares(logits, 1.0, 2) == pytest.approx(expected, abs=0.01)
    assert drawn_shares(logits, 1.0, 100) == pytest.approx(torch.tensor(logits).softmax(dim=0).tolist(), abs=0.01)


def test_rows_of_different_settings_do_not_disturb_each_other():
    logits = torch.randn(6, 20, generator=torch.Generator().manual_seed(0))
    temperatures, top_ks = torch.tensor([0.0, 0.5, 1.0, 0.0, 1.0, 2.0]), torch.tensor([0, 0, 3, 5, 1, 15])
    numbers = uniform(torch.arange(6), 0)
    together = choose(logits, temperatures, top_ks, numbers)
    alone = [
        choose(logits[i : i + 1], temperatures[i : i + 1], top_ks[i : i + 1], numbers[i : i + 1]) for i in range(6)
    ]
    assert together.tolist() == [int(one) for one in alone]


@pytest.mark.parametrize("number", [0.0, 1.0 - 2**-53])
def test_the_ends_of_the_interval_draw_a_token_that_can_be_drawn(number):
    logits = torch.tensor([[-torch.inf, 1.0, 0.5, -torch.inf]])
    chosen = choose(logits, torch.tensor([1.0]), torch.tensor([0]), torch.tensor([number], dtype=torch.float64))
    assert int(chosen) in (1, 2)
