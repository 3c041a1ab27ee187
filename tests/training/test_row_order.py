"""The order of training rows."""

import itertools
import random

from reset.training.row_order import POOL, LengthGrouped

LENGTHS = random.Random(0).choices(range(10, 200), k=POOL * 8 * 3 + 5)


def _batches(sampler: LengthGrouped, size: int = 8) -> list[list[int]]:
    rows = list(sampler)
    return [rows[at : at + size] for at in range(0, len(rows), size)]


def test_every_row_comes_once():
    assert sorted(LengthGrouped(LENGTHS, 8, seed=0)) == list(range(len(LENGTHS)))


def test_rows_of_a_batch_are_of_like_length():
    spreads = [
        max(LENGTHS[i] for i in rows) - min(LENGTHS[i] for i in rows)
        for rows in _batches(LengthGrouped(LENGTHS, 8, seed=0))
    ]
    assert sum(spreads) / len(spreads) < 10


def test_length_does_not_decide_the_order_of_batches():
    means = [sum(LENGTHS[i] for i in rows) / len(rows) for rows in _batches(LengthGrouped(LENGTHS, 8, seed=0))]
    falls = sum(a > b for a, b in itertools.pairwise(means))
    assert 0.35 < falls / (len(means) - 1) < 0.65


def test_the_order_depends_on_seed_and_epoch_alone():
    def order(seed: int, epoch: int) -> list[int]:
        sampler = LengthGrouped(LENGTHS, 8, seed)
        sampler.set_epoch(epoch)
        return list(sampler)

    assert order(0, 1) == order(0, 1)
    assert len({tuple(order(seed, epoch)) for seed in (0, 1) for epoch in (0, 1)}) == 4


def test_fewer_rows_than_a_batch_are_one_batch():
    assert sorted(LengthGrouped([3, 1, 2], 8, seed=0)) == [0, 1, 2]


def test_rows_of_a_step_are_those_that_the_trainer_takes_in_it():
    sampler = LengthGrouped(LENGTHS, 8, seed=3)
    first = _batches(sampler)
    sampler.set_epoch(1)
    assert [sampler.batch(step) for step in range(2 * len(first))] == [*first, *_batches(sampler)]
