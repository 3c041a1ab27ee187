"""Batches: as many tokens as allowed, in few shapes."""

import random

from reset.judges.sentences.batches import batches, padded


def test_batches_hold_no_more_tokens_than_allowed_unless_a_row_alone_does():
    lengths = [3, 9, 4, 4, 20, 3]
    found = list(batches(lengths, 10))
    assert sorted(row for batch in found for row in batch) == list(range(6))
    assert found == [[4], [1], [2, 3], [0, 5]]


def test_rows_of_very_different_lengths_share_no_batch():
    lengths = [*[60] * 6, *[20] * 5, 8]
    assert list(batches(lengths, 2048)) == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]
    assert list(batches(lengths, 200)) == [[0, 1, 2], [3, 4, 5], [6, 7, 8, 9], [10], [11]]


def test_a_small_pool_is_hardly_padded():
    draw = random.Random(0)
    for rows in (10, 30, 100):
        lengths = [draw.randint(20, 80) for _ in range(rows)]
        whole = [[[1] * lengths[row] for row in batch] for batch in batches(lengths, 2048)]
        tokens = sum(padded(batch, 0, 512).numel() for batch in whole)
        assert tokens < 1.2 * sum(lengths)


def test_batches_of_large_pools_come_in_few_shapes():
    draw = random.Random(0)
    shapes, longest = set(), set()
    for _ in range(50):
        rows = [[1] * draw.randint(10, 90) for _ in range(draw.randint(400, 900))]
        for batch in batches([len(row) for row in rows], 2048):
            found = padded([rows[row] for row in batch], 0, 512)
            assert found.numel() <= 2048
            shapes.add(tuple(found.shape))
            longest.add(max(len(rows[row]) for row in batch))
    assert len(longest) > 60
    assert len(shapes) < 70


def test_rows_are_padded_to_no_more_tokens_than_a_model_has_places_for():
    assert padded([[5, 6], [7] * 65], 0, 66).tolist() == [[5, 6, *[0] * 64], [*[7] * 65, 0]]
    assert padded([[5] * 65], 0, 512).shape == (1, 68)


def test_rows_added_to_fill_a_batch_stand_behind_its_own():
    found = padded([[number] for number in range(9)], 0, 512)
    assert found.shape == (12, 1)
    assert found[:, 0].tolist() == [*range(9), 0, 0, 0]
