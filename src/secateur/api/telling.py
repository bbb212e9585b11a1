"""Progress for scripts and notebooks: a bar where somebody looks, lines of the logger "secateur" everywhere."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tqdm.std

from secateur.budget import Estimate
from secateur.records import Outcome, Step
from secateur.settings import Study

EVERY = 0.5  # seconds between two drawings of the bar: most steps take less, and are not shown
LOGGER = logging.getLogger("secateur")


def looked_at() -> bool:
    """Is there a terminal, or a notebook?"""
    return "ipykernel" in sys.modules or sys.stderr.isatty()


def _bar() -> Any:
    """A notebook's own bar where its widgets are installed; tqdm's choice between the two warns where they are not."""
    if "ipykernel" in sys.modules and importlib.util.find_spec("ipywidgets"):
        return importlib.import_module("tqdm.notebook").tqdm
    return tqdm.std.tqdm


class Told:
    """A watcher. One bar for all steps, which names the one under way; it leaves no line behind."""

    def __init__(self, progress: bool | None) -> None:
        shown = looked_at() if progress is None else progress
        self.bar = _bar()(disable=not shown, leave=False, unit="", mininterval=EVERY)
        self.what = ""

    def planned(self, study: Study, steps: list[Step], rows: list[Estimate], notes: tuple[str, ...]) -> None:
        LOGGER.info("%s: %d steps", study.name, len(steps))
        for note in notes:
            LOGGER.info("%s", note)

    def began(self, what: str, number: int, of: int) -> None:
        self.what = f"[{number}/{of}] {what}" if of else what
        self.bar.n = self.bar.last_print_n = 0
        self.bar.total = None
        self.bar.set_description(self.what, refresh=False)

    def progress(self, done: float, total: float, note: str) -> None:
        self.bar.total = total or None
        self.bar.set_postfix_str(note, refresh=False)
        self.bar.update(done - self.bar.n)

    def ended(self, outcome: Outcome) -> None:
        if outcome.state == "made":
            LOGGER.info("%s: made in %.0f s", self.what, outcome.seconds)
        elif outcome.state in ("failed", "skipped"):
            LOGGER.warning("%s: %s: %s", self.what, outcome.state, outcome.why)

    def say(self, words: str) -> None:
        LOGGER.info("%s", words)


@contextmanager
def telling(progress: bool | None) -> Iterator[Told]:
    """`progress`: a bar; None: where somebody looks."""
    told = Told(progress)
    try:
        yield told
    finally:
        told.bar.close()
