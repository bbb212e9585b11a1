"""More processes on one plan. Each walks it alone; the store's locks keep two from doing the same."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from secateur.engine import Silent, Walk
from secateur.errors import SecateurError
from secateur.plan import plan
from secateur.settings import Study
from secateur.store import Store

LOOK_SECONDS = 1.0


def threads_each(study: Study, jobs: int) -> int:
    """The study's own number, or the physical cores divided among the jobs."""
    return study.threads or max(1, (psutil.cpu_count(logical=False) or 1) // jobs)


@contextmanager
def crew(study: Study, runs: Path, keys: dict[str, str], jobs: int) -> Iterator[None]:
    """`jobs` − 1 helpers beside this process, gone when the block ends, however it ends."""
    threads = threads_each(study, jobs)
    if jobs > 1 or study.threads:
        use_threads(threads)
    spawn = multiprocessing.get_context("spawn")
    arguments = (study.model_dump(mode="json"), str(runs), dict(keys), threads, os.getpid())
    helpers = [spawn.Process(target=help_along, args=arguments, daemon=True) for _ in range(jobs - 1)]
    for helper in helpers:
        helper.start()
    try:
        yield
    finally:
        for helper in helpers:
            helper.terminate()
            helper.join()


def use_threads(threads: int) -> None:
    """For torch in this process."""
    import torch

    torch.set_num_threads(threads)


def help_along(study: dict[str, object], runs: str, keys: dict[str, str], threads: int, parent: int) -> None:
    """What a helper does. It tells nobody of failures: the walk that is watched meets them itself."""
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    use_threads(threads)
    made = Study.model_validate(study)
    store = Store(Path(runs))
    try:
        Walk(plan(made), dict(keys), store, store.run(made.name), Silent()).run(record=False)
    except (SecateurError, OSError, KeyboardInterrupt):
        return


def _end_with(parent: int) -> None:
    """A killed study leaves no helper behind."""
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os._exit(1)
