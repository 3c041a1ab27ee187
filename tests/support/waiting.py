"""Waiting for what another process or thread does, as long as a busy machine may need and no longer."""

import time
from collections.abc import Callable


def until(true: Callable[[], object], seconds: float = 120.0) -> None:
    """Wait until `true()`; AssertionError if it is not after `seconds`."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not so after {seconds:g} s"
        time.sleep(0.005)
