"""Hashes are remembered exactly, whatever the runs they came in."""

import numpy as np

from reset.examples.content_hashes import Seen


def test_what_was_added_is_known_and_nothing_else():
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**64, size=5_000, dtype=np.uint64)
    seen = Seen()
    assert not seen.known(hashes[:3]).any()
    for start, end in [(0, 1), (1, 700), (700, 702), (702, 702), (702, 4_000)]:
        seen.add(hashes[start:end])
    known = seen.known(hashes)
    assert known[:4_000].all()
    assert not known[4_000:].any()


def test_runs_are_merged_so_that_few_are_searched():
    seen = Seen()
    for start in range(0, 100_000, 100):
        seen.add(np.arange(start, start + 100, dtype=np.uint64))
    assert len(seen._runs) < 12
