"""Sampling until a prompt has enough answers: which are enough, and that those sampled are a full pool's."""

import json
import random

import pytest

from reset.engines import Completion
from reset.files import schemas, tables
from reset.runs.chunks import Chunks
from reset.runs.store import Store
from reset.sampling.decode_settings import arms
from reset.sampling.enough import Until, token_f1, told
from reset.sampling.pieces import Pool
from reset.sampling.sample import sample
from tests.sampling.test_sample import prompts, tokenize  # noqa: F401  (a fixture)

pytestmark = pytest.mark.slow

GRID = arms([0.0, 0.1, 0.2], [5, 10], 1.0)
WORDS = ("it", "this", "that", "now")
SWEEPS, ENOUGH = 4, Until(3)


class Say:
    """An engine whose answer depends on the request alone; it can be killed before an answer."""

    def __init__(self, killed_before=None):
        self.killed_before, self.computed, self.sizes = killed_before, [], []

    def generate(self, requests):
        self.sizes.append(len(requests))
        for request in reversed(requests):
            if len(self.computed) == self.killed_before:
                raise KeyboardInterrupt
            self.computed.append(request.answer_id)
            rng = random.Random(f"{request.token_ids}{request.temperature}{request.top_k}{request.seed}")
            yield Completion(request.answer_id, rng.choice(WORDS), 2, rng.choice(("stop", "stop", "length")), -1.0)


def example(**columns):
    return {"task": "extractive_qa", "references": ["red forest"], **columns}


def answer(text, finish_reason="stop"):
    return {"text": text, "finish_reason": finish_reason}


def run(table, engine, *, until=ENOUGH, sweeps=SWEEPS, folder="chunks", chunk_prompts=3, max_gb=0.0, grid=GRID):
    """The rows, account and figures of a pool, and what was taken from the store and not."""
    root = table.parent
    with Store(root, "answers", "mark", max_gb) as store:
        account, figures = sample(
            table,
            root / "pool.parquet",
            Pool("mtl", grid, sweeps, 0, "micro", 64, 400, until),
            load=lambda: (engine, tokenize),
            chunks=Chunks(root / folder, f"{until} {sweeps}"),
            chunk_prompts=chunk_prompts,
            max_failed=0.5,
            store=store,
        )
    return list(tables.read(root / "pool.parquet", schemas.ANSWERS)), account, figures, (store.found, store.missed)


def sweeps_of(rows):
    found = {}
    for row in rows:
        found[row["example_id"]] = max(found.get(row["example_id"], 0), row["sweep"] + 1)
    return found


def whole(table):
    return run(table, Say(), until=None, folder="whole")[0]


@pytest.mark.parametrize(
    "text, finish_reason, f1, accepted",
    [
        ("Red forest", "stop", None, True),
        ("Red forest", "length", None, False),
        ("", "error: broken", None, False),
        (" \n", "stop", None, False),
        ("It is red. " * 5, "stop", None, False),
        ("<think>Is it red? Or", "stop", None, False),
        ("the red forest", "stop", 1.0, True),
        ("a red hall", "stop", 0.5, True),
        ("a red hall", "stop", 0.6, False),
    ],
)
def test_an_acceptable_answer_is_ended_does_not_loop_and_is_near_enough_to_a_reference(
    text, finish_reason, f1, accepted
):
    assert Until(1, f1).accepts(example(), answer(text, finish_reason)) is accepted


def test_f1_is_not_asked_of_instructions_nor_where_there_is_no_reference():
    assert Until(1, 1.0).accepts(example(task="instruction"), answer("blue"))
    assert Until(1, 1.0).accepts(example(references=[]), answer("blue"))
    assert not Until(1, 1.0).accepts(example(), answer("blue"))


def test_f1_counts_each_word_as_often_as_in_both_and_takes_the_best_reference():
    assert token_f1("red red forest", ["red forest"]) == pytest.approx(0.8)
    assert token_f1("The Red-Forest!", ["hall", "red - forest"]) == 1.0
    assert token_f1("...", ["red"]) == 0.0


def test_answers_that_are_equal_after_normalising_count_once():
    same = [answer("Red forest."), answer("the red forest"), answer("RED FOREST")]
    assert not Until(2).met(example(), same)
    assert Until(2).met(example(), [*same, answer("hall")])


def test_the_rows_are_those_of_the_full_pool_up_to_the_sweep_that_was_enough(prompts):  # noqa: F811
    rows, account, figures, _ = run(prompts, Say())
    full, sweeps = whole(prompts), sweeps_of(rows)
    assert rows == [row for row in full if row["sweep"] < sweeps[row["example_id"]]]
    assert len(set(sweeps.values())) > 2 and account.rows_in == len(rows) < len(full)
    examples = {row["example_id"]: row for row in tables.read(prompts, schemas.EXAMPLES)}
    for example_id, count in sweeps.items():
        own = [row for row in full if row["example_id"] == example_id]
        before = [row for row in own if row["sweep"] < count - 1]
        assert not ENOUGH.met(examples[example_id], before)
        upto = [row for row in own if row["sweep"] < count]
        assert ENOUGH.met(examples[example_id], upto) or count == SWEEPS
    assert figures["until"]["sampled"] == len(rows) and figures["until"]["full_pool"] == len(full)


def test_the_figures_count_prompts_by_the_sweep_after_which_they_had_enough(prompts):  # noqa: F811
    rows, _, figures, _ = run(prompts, Say(), until=Until(4))
    assert set(figures) == {*run(prompts, Say(), until=None)[2], "until"}
    told_of = figures["until"]
    assert sum(told_of["enough_after_sweep"].values()) + told_of["short"] == 10
    assert told_of["short"] > 0 and told_of["enough_after_sweep"]
    early = sum(count < SWEEPS for count in sweeps_of(rows).values())
    assert sum(n for sweep, n in told_of["enough_after_sweep"].items() if int(sweep) < SWEEPS) == early
    assert told(told_of).startswith(f"sampled {len(rows)} of the {told_of['full_pool']} answers of a full pool; ")
    assert told(told_of).endswith(f", never: {told_of['short']}")
    assert json.loads(json.dumps(told_of)) == told_of


def test_an_answer_is_computed_once_and_none_beyond_what_is_needed(prompts):  # noqa: F811
    engine = Say()
    rows, _, figures, _ = run(prompts, engine)
    assert len(engine.computed) == len(set(engine.computed)) == len(rows) - figures["saved_answers"]


def test_enough_after_the_first_sweep_samples_one_sweep_and_never_enough_samples_all(prompts):  # noqa: F811
    assert {row["sweep"] for row in run(prompts, Say(), until=Until(1, 0.0), grid=arms([0.3], [], 1.0))[0]} >= {0}
    one = run(prompts, Say(), until=Until(1))[0]
    assert all(count <= 2 for count in sweeps_of(one).values())
    assert run(prompts, Say(), until=Until(99))[0] == whole(prompts)


def test_chunks_of_another_size_change_no_row(prompts):  # noqa: F811
    assert run(prompts, Say(), folder="a", chunk_prompts=1)[0] == run(prompts, Say(), folder="b", chunk_prompts=50)[0]


@pytest.mark.parametrize("max_gb", [0.0, 1.0])
def test_a_killed_run_goes_on_and_ends_with_the_same_rows(prompts, max_gb):  # noqa: F811
    expected = run(prompts, Say(), folder="undisturbed")
    killed, again = Say(killed_before=30), Say()
    with pytest.raises(KeyboardInterrupt):
        run(prompts, killed, max_gb=max_gb)
    rows, account, figures, _ = run(prompts, again, max_gb=max_gb)
    assert (rows, account.as_dict(), figures) == (expected[0], expected[1].as_dict(), expected[2])
    assert 0 < len(again.computed) < len(rows)


@pytest.mark.parametrize(
    "before", [{"sweeps": 1}, {"until": None}, {"until": Until(2)}, {"grid": arms([0.1], [5], 1.0)}]
)
def test_what_the_store_has_is_not_sampled_and_is_counted_where_it_is_needed(prompts, before):  # noqa: F811
    first, second, alone = Say(), Say(), Say()
    run(prompts, first, folder="first", max_gb=1.0, **before)
    rows, _, figures, (found, missed) = run(prompts, second, folder="second", max_gb=1.0)
    assert rows == run(prompts, alone, folder="alone")[0]
    assert set(second.computed) == set(alone.computed) - set(first.computed)
    assert (found + missed, missed) == (len(rows) - figures["saved_answers"], len(second.computed))
