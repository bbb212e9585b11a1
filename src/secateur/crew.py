"""More processes on one plan. Each walks it alone; the store's locks keep two from doing the same.

A helper is `python -m secateur.crew`, told what to do by its standard input. It ends by the system's hand, between any
two of its instructions, and runs nothing more: no handler, no callback at exit (torch's raise there), and the user is
told of nothing. The store is whole after that as it is after `kill -9`; what the helper left half made its parent takes
away. Once nobody holds the other end of its input, it ends as well.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from secateur.engine import Silent, Walk
from secateur.errors import SecateurError
from secateur.interrupts import deaf
from secateur.records import Step
from secateur.store import Store

LEAVE_SECONDS = 10.0  # to end a helper's way, before it is killed


@dataclass(frozen=True, slots=True)
class _Helper:
    """A process, and where what it says goes: a file that stays if it fails."""

    process: subprocess.Popen[bytes]
    said: Path


@contextmanager
def crew(steps: list[Step], name: str, runs: Path, keys: dict[str, str], jobs: int) -> Iterator[frozenset[int]]:
    """`jobs` − 1 helpers beside this process, gone when the block ends, however it ends; their numbers."""
    work = pickle.dumps((steps, name, str(runs), dict(keys)))
    helpers: list[_Helper] = []
    try:
        with deaf():
            for number in range(1, jobs):
                helpers.append(_begun(Store(runs).run(name) / "errors" / f"helper{number}.txt"))
        for helper in helpers:
            assert helper.process.stdin is not None
            with suppress(OSError):  # it has died: this process does all that there is
                helper.process.stdin.write(work)
                helper.process.stdin.flush()
        yield frozenset(helper.process.pid for helper in helpers)
    finally:
        failed = [h for h in helpers if h.process.poll() not in (None, 0)]
        for helper in helpers:
            helper.process.terminate()
        for helper in helpers:
            _end(helper, Store(runs))
            if helper not in failed or not helper.said.stat().st_size:
                helper.said.unlink(missing_ok=True)
        with suppress(OSError):  # something is in it
            (Store(runs).run(name) / "errors").rmdir()


def _begun(said: Path) -> _Helper:
    """A helper that waits for its work."""
    said.parent.mkdir(parents=True, exist_ok=True)
    paths = os.pathsep.join(str(Path(p).absolute()) for p in sys.path if p)
    with said.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "secateur.crew"],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=out,
            env=os.environ | {"PYTHONPATH": paths},
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # Windows: no Ctrl-C in there
        )
    return _Helper(process, said)


def _end(helper: _Helper, store: Store) -> None:
    process = helper.process
    try:
        process.wait(LEAVE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin:
        with suppress(OSError):
            process.stdin.close()
    store.take_away(process.pid)


def help_along(steps: list[Step], name: str, runs: str, keys: dict[str, str]) -> None:
    """What a helper does. It tells nobody of failures: the walk that is watched meets them itself."""
    store = Store(Path(runs))
    with suppress(SecateurError, OSError):  # of anything else the reason stays in its file
        Walk(steps, dict(keys), store, store.run(name), Silent()).run(record=False)


def _end_with(parent: BinaryIO) -> None:
    """A killed study leaves no helper behind: its end of the pipe closes with it."""
    parent.read()
    os._exit(1)


def main() -> None:
    """Of a helper."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    work = pickle.load(sys.stdin.buffer)  # of the parent, through a pipe that is its own
    threading.Thread(target=_end_with, args=(sys.stdin.buffer,), daemon=True).start()
    help_along(*work)
    sys.stderr.flush()
    os._exit(0)  # all it did is in the store


if __name__ == "__main__":
    main()
