"""vLLM itself, started once for all these tests (about half a minute on a CPU)."""

import pytest

from reset.engines import Request
from reset.engines.transformers.engine import TransformersEngine
from reset.errors import ResetError
from reset.files import schemas, tables
from reset.sampling.decode_settings import arms
from reset.sampling.pieces import Pool
from reset.sampling.sample import answer

pytestmark = pytest.mark.slow
pytest.importorskip("vllm", reason="needs the opt-in build of vLLM (make test installs it)")

OPTIONS = {"dtype": "float32", "max_num_seqs": 64, "max_num_batched_tokens": 256}  # far less than all prompts have


@pytest.fixture(scope="module")
def engine(tiny):
    from reset.engines.vllm.engine import VllmEngine

    engine = VllmEngine(model=tiny, max_model_len=256, options=OPTIONS)
    yield engine
    engine._llm.llm_engine.engine_core.shutdown()  # else its process ends at exit, with complaints in pytest's output


def by_id(completions):
    return {completion.answer_id: completion for completion in completions}


def test_greedy_answers_are_those_of_the_transformers_engine(engine, tiny, requests):
    greedy = [request for request in requests if request.temperature == 0]
    theirs = by_id(engine.generate(greedy))
    ours = by_id(TransformersEngine(model=tiny, batch=64, dtype="float32").generate(greedy))
    assert {name: (said.text, said.tokens, said.finish_reason) for name, said in theirs.items()} == {
        name: (said.text, said.tokens, said.finish_reason) for name, said in ours.items()
    }
    for name, said in theirs.items():
        assert said.mean_logprob == pytest.approx(ours[name].mean_logprob, abs=1e-3)


def test_one_call_serves_mixed_settings_and_a_seed_gives_its_answer_again(engine, requests):
    first, again = by_id(engine.generate(requests)), by_id(engine.generate(requests[::-1]))
    assert set(first) == {request.answer_id for request in requests}
    assert {name: said.text for name, said in first.items()} == {name: said.text for name, said in again.items()}


def test_both_engines_fill_the_same_table(engine, tiny, tmp_path):
    example = {"example_id": "a/train/1", "dataset": "a", "task": "instruction", "instruction": "w1", "question": ""}
    pool = Pool("mtl", arms([0.0, 0.7], [5], 1.0), 2, 0, "micro", 8, 50)
    for number, one in enumerate((engine, TransformersEngine(model=tiny, batch=8, dtype="float32"))):
        rows = answer([{**example, "passages": []}], pool, one, lambda prompt, most: ([1, 7, 9], False))
        assert tables.write(tmp_path / f"{number}.parquet", schemas.ANSWERS, rows) == 3
    theirs, ours = (list(tables.read(tmp_path / f"{number}.parquet", schemas.ANSWERS)) for number in (0, 1))
    for row, other in zip(theirs, ours, strict=True):
        assert list(row) == list(other) and row["answer_id"] == other["answer_id"]


def test_a_request_beyond_max_model_len_is_an_error_not_an_answer(engine):
    said = list(engine.generate([Request("long", (1,) * 250, 0.0, 0, 0, 10)]))
    assert [one.finish_reason for one in said] == ["error: prompt and answer exceed max_model_len 256"]


def test_a_request_that_vllm_refuses_fails_alone(engine, requests):
    unknown, empty = (Request(name, ids, 0.0, 0, 0, 10) for name, ids in (("unknown", (1, 9_999)), ("empty", ())))
    said = by_id(engine.generate([unknown, *requests[:3], empty, *requests[3:6]]))
    assert {name: one.finish_reason for name, one in said.items() if name in ("unknown", "empty")} == {
        "unknown": "error: Token id 9999 is out of vocabulary",
        "empty": "error: The decoder prompt cannot be empty",
    }
    alone = by_id(engine.generate(requests[:6]))
    assert {name: said[name].text for name in alone} == {name: one.text for name, one in alone.items()}


def test_an_answer_comes_as_soon_as_it_ends(engine):
    budgets = {"long": 60, "short": 1}
    said = engine.generate([Request(name, (1, 7, 9), 0.0, 0, 0, most) for name, most in budgets.items()])
    assert next(said).answer_id == "short"
    assert engine._llm.llm_engine.get_num_unfinished_requests() == 1
    assert [one.answer_id for one in said] == ["long"]


def test_several_copies_of_the_model_are_workers(tiny):
    from reset.engines.vllm.engine import VllmEngine

    with pytest.raises(ResetError, match=r"one copy of the model: set cluster\.workers, not data_parallel_size"):
        VllmEngine(model=tiny, max_model_len=256, options={"data_parallel_size": 2})


def test_an_unknown_engine_argument_is_told_before_the_model_is_loaded(tiny):
    from reset.engines.vllm.engine import VllmEngine

    with pytest.raises(ResetError, match=r"vLLM has no engine argument 'enforce_eagre'\. Did you mean 'enforce_eager'"):
        VllmEngine(model=tiny, max_model_len=256, options={"enforce_eagre": True})
