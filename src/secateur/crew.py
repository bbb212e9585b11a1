"""More processes on one plan. Each walks it alone; the store's locks keep two from doing the same."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from secateur.engine import Silent, Walk
from secateur.records import Step
from secateur.store import Store

LOOK_SECONDS = 1.0
LEAVE_SECONDS = 10.0  # to end a helper's way, before it is killed


@contextmanager
def crew(steps: list[Step], name: str, runs: Path, keys: dict[str, str], jobs: int) -> Iterator[None]:
    """`jobs` − 1 helpers beside this process, gone when the block ends, however it ends."""
    spawn = multiprocessing.get_context("spawn")
    arguments = (steps, name, str(runs), dict(keys), os.getpid())
    helpers = [spawn.Process(target=help_along, args=arguments, daemon=True) for _ in range(jobs - 1)]
    for helper in helpers:
        helper.start()
    try:
        yield
    finally:
        for helper in helpers:
            helper.terminate()
        for helper in helpers:
            helper.join(LEAVE_SECONDS)
            helper.kill()
            helper.join()


def help_along(steps: list[Step], name: str, runs: str, keys: dict[str, str], parent: int) -> None:
    """What a helper does. It tells nobody of failures: the walk that is watched meets them itself."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that what it holds is given back
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    store = Store(Path(runs))
    try:
        Walk(steps, dict(keys), store, store.run(name), Silent()).run(record=False)
    except (Exception, KeyboardInterrupt):
        return


def _end_with(parent: int) -> None:
    """A killed study leaves no helper behind."""
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os._exit(1)
