"""Map a function over items on all CPU cores, with results in order and few of them held in memory."""

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
    """Yield `work(item)` for each item, in order: computed by one process per core, or with `alone` by this process."""
    processes = min(len(os.sched_getaffinity(0)), len(items))
    if alone or processes < 2:
        yield from map(work, items)
        return
    waiting: deque[Future[Result]] = deque()
    # records hold no reference cycles, so garbage collection would only cost time
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=gc.disable) as pool:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > 2 * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
