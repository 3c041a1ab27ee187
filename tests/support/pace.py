"""Bound the processor time of a step, also on a machine that is slower or busier than ours."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

REFERENCE = 0.18  # processor seconds of `_yardstick` on a quiet core of an AMD EPYC with AVX2


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Fail if the block takes more processor seconds than these, times how much slower this machine is right now."""
    started = time.process_time()
    yield
    taken = time.process_time() - started
    allowed = seconds if taken < seconds else seconds * max(1.0, _yardstick() / REFERENCE)
    assert taken < allowed, f"{taken:.2f} s of processor time, and {allowed:.2f} s allowed on this machine"


def _yardstick() -> float:
    started = time.process_time()
    words = {str(n): [n] for n in range(200_000)}
    assert sum(len(word) for word in words) == 1_088_890
    return time.process_time() - started
