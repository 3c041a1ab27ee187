"""The transformers engine decodes as `generate` does, and an answer depends on nothing but its own request."""

import random

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from reset.engines import Request
from reset.engines.transformers.cache import ROOM
from reset.engines.transformers.engine import TransformersEngine
from reset.errors import ResetError
from reset.model.tokens import load_tokenizer

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]


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
    for ids in prompts(5):
        options = {"max_new_tokens": 24, "do_sample": False, "return_dict_in_generate": True, "output_logits": True}
        with torch.inference_mode():
            made = model.generate(torch.tensor([ids]), **options)
        said = made.sequences[0, len(ids) :]
        logprobs = torch.stack(made.logits)[:, 0].log_softmax(dim=-1).gather(1, said[:, None])
        for temperature, top_k in ((0.0, 0), (0.4, 1)):  # the same tokens
            (one,) = engine.generate([Request("a", ids, temperature, top_k, 7, 24)])
            assert one.mean_logprob == pytest.approx(float(logprobs.mean()), abs=1e-5)


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
    (fits,) = engine.generate([greedy("fits", (1,) * 1020, 4)])
    assert fits.finish_reason in ("stop", "length")


def test_a_prompt_that_the_model_cannot_read_fails_alone(engine):
    short = greedy("short", prompts(1)[0])
    found = by_id(engine.generate([greedy("empty", ()), greedy("unknown", (1, 99_999)), short]))
    words = engine._model.config.vocab_size
    assert found.pop("empty").finish_reason == "error: an empty prompt"
    assert found.pop("unknown").finish_reason == f"error: token 99999 of the tokenizer is none of the model's {words}"
    assert_equal(found, by_id(engine.generate([short])))


def test_no_requests_give_no_completions(engine):
    assert list(engine.generate([])) == []


def test_answers_longer_than_the_room_of_the_cache_are_right(micro_model, engine):
    model = AutoModelForCausalLM.from_pretrained(micro_model, dtype=torch.float32)
    tokenizer = load_tokenizer(micro_model)
    asked = prompts(12, seed=5)
    found = by_id(engine.generate([greedy(str(number), ids, 2 * ROOM + 10) for number, ids in enumerate(asked)]))
    assert max(one.tokens for one in found.values()) == 2 * ROOM + 10
    for number, ids in enumerate(asked):
        with torch.inference_mode():
            said = model.generate(torch.tensor([ids]), max_new_tokens=2 * ROOM + 10, do_sample=False)[0, len(ids) :]
        assert found[str(number)].text == tokenizer.decode(said, skip_special_tokens=True)


def test_an_unknown_dtype_names_the_nearest(micro_model):
    with pytest.raises(ResetError) as raised:
        TransformersEngine(model=micro_model, batch=8, dtype="bloat16")
    assert raised.value.message == ("Unknown dtype 'bloat16'. Did you mean 'bfloat16'? Known: auto, bfloat16, float32")


@pytest.mark.parametrize(("key_heads", "shares"), [(4, False), (2, True)])
def test_prompts_with_one_answer_each_are_shared_where_heads_are_grouped(tmp_path, micro_model, key_heads, shares):
    tokenizer = load_tokenizer(micro_model)
    sizes = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}
    LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), num_key_value_heads=key_heads, **sizes)).save_pretrained(
        tmp_path
    )
    tokenizer.save_pretrained(tmp_path)
    engine = TransformersEngine(model=tmp_path, batch=100, dtype="float32")
    asked = [greedy(str(number), ids) for number, ids in enumerate(prompts(6))]
    with torch.inference_mode():
        assert (engine._prefill(asked)[3] is not None) == shares
    together = by_id(engine.generate(asked))
    for request in asked:
        assert_equal(by_id(engine.generate([request])), {request.answer_id: together[request.answer_id]})


@pytest.mark.parametrize("key_heads", [4, 2])
def test_shared_prompts_change_no_logit_beyond_rounding(tmp_path, micro_model, key_heads):
    tokenizer = load_tokenizer(micro_model)
    torch.manual_seed(0)
    sizes = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = LlamaConfig(vocab_size=len(tokenizer), num_key_value_heads=key_heads, initializer_range=0.3, **sizes)
    LlamaForCausalLM(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    engine = TransformersEngine(model=tmp_path, batch=100, dtype="float32")
    alone = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    asked = [greedy(str(number), ids) for number, ids in enumerate(prompts(6)) for _ in range(1 + number)]
    with torch.inference_mode():
        logits, mask, cache, shared = engine._prefill(sorted(asked, key=lambda r: (len(r.token_ids), r.token_ids)))
        rows = sorted(asked, key=lambda r: (len(r.token_ids), r.token_ids))
        assert shared is not None and len(rows) == 21
        said = [list(request.token_ids) for request in rows]
        for step in range(4):
            tokens = torch.tensor([(7 * number + step) % 300 + 5 for number in range(len(said))])
            said = [[*ids, int(token)] for ids, token in zip(said, tokens, strict=True)]
            logits, mask = engine._step(tokens[:, None], mask, cache, shared=shared)
            for ids, row in zip(said, logits, strict=True):
                assert torch.allclose(row, alone(torch.tensor([ids])).logits[0, -1], atol=1e-4)
            left = torch.tensor([n for n in range(len(said)) if n % 5 != step])  # whole prompts go, too
            said, mask = [said[n] for n in left.tolist()], mask[left]
            cache.reorder_cache(left)
            shared.select(left)
    assert len(said) < 12
