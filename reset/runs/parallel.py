"""Work on all cores: results come in the order of the items, and never many wait to be taken."""

import gc
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def parallel_map(work: Callable[[Item], Result], items: Sequence[Item], *, alone: bool) -> Iterator[Result]:
    """Yield `work` of each item, done by as many processes as there are cores, or `alone` by this one."""
    processes = min(len(os.sched_getaffinity(0)), len(items))
    if alone or processes < 2:
        yield from map(work, items)
        return
    waiting: deque[Future[Result]] = deque()
    # records hold no cycles: the collector would walk through them for nothing
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=gc.disable) as pool:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > 2 * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
