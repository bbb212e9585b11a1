"""Ctrl-C at a terminal reaches every process of it: the one that the user sees answers, the others are deaf to it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def deaf() -> Iterator[None]:
    """A process that is started in here ignores Ctrl-C from its first instruction on, so that none of its imports is
    torn with a traceback; for these milliseconds this one does, too."""
    if threading.current_thread() is not threading.main_thread():  # only there may handlers be changed
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
