"""Work on many files by threads, in order, with little in flight: memory stays flat in the number of files.

Threads, not processes: Pillow and hashlib release the interpreter's lock while they decode, resize and
hash, and a library must not start processes in a program that did not guard its `__main__`.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_chunks(
    function: Callable[[Sequence[T]], R], items: Sequence[T], chunk: int, workers: int | None = None
) -> Iterator[R]:
    """`function` of each run of `chunk` items, in their order; at most three runs a worker are in flight.

    Raises what `function` raises; runs that have not begun by then are dropped.
    """
    workers = workers or cores()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="secateur-data")
    waiting: deque[Future[R]] = deque()
    try:
        for begin in range(0, len(items), chunk):
            waiting.append(pool.submit(function, items[begin : begin + chunk]))
            if len(waiting) >= 3 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
