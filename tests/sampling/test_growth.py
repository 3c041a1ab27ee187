"""A pool that grows samples what is new, and ends with the rows of a pool sampled from nothing."""

import pytest

from reset.files import schemas, tables
from reset.runs.chunks import Chunks
from reset.runs.store import Store
from reset.sampling.decode_settings import arms
from reset.sampling.pieces import Pool
from reset.sampling.sample import sample
from tests.sampling.test_sample import Echo, prompts, tokenize  # noqa: F401  (a fixture)

pytestmark = pytest.mark.slow

TEMPERATURES, TOP_KS = [0.0, 0.1, 0.2], [5, 10]
CALLS = iter(range(1000))


def grow(table, engine, *, sweeps=1, temperatures=TEMPERATURES, mark="mark", seed=0, max_gb=1.0, template="micro"):
    """The rows of the pool, sampled with the project's store, and how many answers were taken from it."""
    root = table.parent
    pool = Pool("mtl", arms(temperatures, TOP_KS, 1.0), sweeps, seed, template, 64, 400)
    with Store(root, "answers", mark, max_gb) as store:
        account, figures = sample(
            table,
            root / "pool.parquet",
            pool,
            load=lambda: (engine, tokenize),
            chunks=Chunks(root / "chunks", str(next(CALLS))),
            chunk_prompts=3,
            max_failed=0.5,
            store=store,
        )
    return list(tables.read(root / "pool.parquet", schemas.ANSWERS)), (account.as_dict(), figures), store.found


def part(table, count):
    path = table.with_name(f"{count}.parquet")
    tables.write(path, schemas.EXAMPLES, list(tables.read(table, schemas.EXAMPLES))[:count])
    return path


GROWN = {  # what there was -> what there is, each over what both have
    "one sweep more": ({"sweeps": 1}, {"sweeps": 2}),
    "two sweeps more": ({"sweeps": 1}, {"sweeps": 3}),
    "a sweep less": ({"sweeps": 3}, {"sweeps": 2}),
    "a setting more": ({"sweeps": 2}, {"sweeps": 2, "temperatures": [*TEMPERATURES, 0.3]}),
}


@pytest.mark.parametrize("before, after", GROWN.values(), ids=GROWN)
def test_growth_samples_what_is_new_and_gives_the_rows_of_a_pool_from_nothing(prompts, before, after):  # noqa: F811
    first, second, whole = Echo(), Echo(), Echo()
    grow(prompts, first, **before)
    rows = grow(prompts, second, **after)
    expected = grow(prompts, whole, **after, max_gb=0.0)
    assert rows[:2] == expected[:2]
    assert set(second.computed) == set(whole.computed) - set(first.computed)
    assert len(second.computed) == len(set(second.computed)) and rows[2] > 0


def test_more_prompts_sample_those_alone_wherever_the_chunks_begin(prompts):  # noqa: F811
    grow(part(prompts, 5), Echo())
    engine, whole = Echo(), Echo()
    rows = grow(prompts, engine)
    assert rows[:2] == grow(prompts, whole, max_gb=0.0)[:2]
    assert {name.split("|")[0] for name in engine.computed} == {f"nq/train/{number}" for number in range(5, 10)}


def test_nothing_is_loaded_where_nothing_is_new(prompts):  # noqa: F811
    rows = grow(prompts, Echo(), sweeps=2)
    assert grow(prompts, None, sweeps=2)[:2] == rows[:2]


@pytest.mark.parametrize("other", [{"mark": "another model or option"}, {"template": "alpaca"}])
def test_another_mark_or_prompt_reuses_nothing(prompts, other):  # noqa: F811
    grow(prompts, Echo())
    engine = Echo()
    assert grow(prompts, engine, **other)[2] == 0 and len(engine.computed) > 10


def test_another_seed_reuses_the_greedy_answers_alone(prompts):  # noqa: F811
    grow(prompts, Echo(), sweeps=2)
    engine = Echo()
    assert grow(prompts, engine, sweeps=2, seed=1)[2] == 10
    assert not [name for name in engine.computed if name.endswith("greedy")]


def test_a_kill_loses_the_chunk_in_hand_and_no_other(prompts):  # noqa: F811
    killed, again, whole = Echo(killed_at=2), Echo(), Echo()
    with pytest.raises(KeyboardInterrupt):
        grow(prompts, killed, sweeps=2)
    rows = grow(prompts, again, sweeps=2)
    assert rows[:2] == grow(prompts, whole, sweeps=2, max_gb=0.0)[:2]
    assert rows[2] == 6 * 5 and len(again.computed) == 4 * 5  # two chunks of three prompts, of ten


def test_an_answer_that_failed_is_tried_again_and_one_too_long_is_not(prompts):  # noqa: F811
    grow(prompts, Echo(fails_on=["nq/train/1"]))
    engine = Echo()
    rows, _, _ = grow(prompts, engine)
    assert {name.split("|")[0] for name in engine.computed} == {"nq/train/1"}
    assert not [row for row in rows if row["finish_reason"].startswith("error: broken")]


def test_another_pool_of_the_same_model_takes_what_it_shares(prompts):  # noqa: F811
    grow(prompts, Echo())
    engine = Echo()
    grow(part(prompts, 4), engine)
    assert engine.computed == []
