"""A file run where memory and processors are fewer: does it run at all, and how fast?"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from secateur.errors import UserError
from secateur.measure.entries import Entry
from secateur.measure.helper import Helper
from secateur.measure.ratios import quantile
from secateur.records import UnderLimit

CALLS = 20
V1 = Path("/sys/fs/cgroup/memory")
V2 = Path("/sys/fs/cgroup")
SIGKILL = "killed by signal 9"

Enter = Callable[[], None]  # run in the new process, before anything else


def under_limit(entry: Entry, memory_bytes: int, cpus: int, calls: int = CALLS) -> UnderLimit:
    """Load `entry` and call it in a process with so much memory and so many processors.

    A process that dies is a finding, not an error. Raises UserError where this system offers no limit.
    """
    with limited(memory_bytes, cpus) as (how, enter):
        helper = Helper(entry.file, entry.runtime, cpus, before=enter)
        try:
            said = helper.hello()
            said = said if "error" in said else helper.ask(batch=1, runs=calls, before=3)
        finally:
            helper.close()
    if "error" in said:
        why = str(said["error"])
        if SIGKILL in why:
            why = "it needs more memory: the system killed it"
        return UnderLimit(memory_bytes, cpus, how, False, why)
    median = quantile([ns / 1e6 for ns in said["ns"]], 0.5)
    return UnderLimit(memory_bytes, cpus, how, True, median=median)


@contextmanager
def limited(memory_bytes: int, cpus: int) -> Iterator[tuple[str, Enter]]:
    """(what limits, what a process calls to be limited): a control group where one may be made, which counts the pages
    that are used; else RLIMIT_DATA, which counts private memory that is reserved, used or not.

    Raises UserError for more processors than there are, and on systems that have neither.
    """
    if sys.platform != "linux" or not hasattr(os, "sched_getaffinity"):
        raise UserError(f"memory can be limited on Linux only, not on {sys.platform}")
    mine = sorted(os.sched_getaffinity(0))
    if cpus > len(mine):
        raise UserError(f"{cpus} processors were asked for, and {len(mine)} are there")
    chosen = set(mine[:cpus])
    group = _control_group(memory_bytes)

    def enter() -> None:
        os.sched_setaffinity(0, chosen)
        if group:
            (group / "cgroup.procs").write_text(str(os.getpid()), encoding="utf-8")
        else:
            import resource

            resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))

    try:
        yield ("cgroup" if group else "RLIMIT_DATA"), enter
    finally:
        if group:
            _remove(group)


def _control_group(memory_bytes: int) -> Path | None:
    """A new one with this limit; None where that is not allowed."""
    name = f"secateur-{uuid.uuid4().hex[:8]}"
    for root, limit, swap in (
        (V2, "memory.max", "memory.swap.max"),
        (V1, "memory.limit_in_bytes", "memory.swappiness"),
    ):
        group = root / name
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            if not (group / limit).is_file():
                raise OSError(errno.ENOTSUP, "no memory controller here")
            (group / limit).write_text(str(memory_bytes), encoding="utf-8")
            with contextlib.suppress(OSError):
                (group / swap).write_text("0", encoding="utf-8")
            return group
        except OSError:
            _remove(group)
    return None


def _remove(group: Path) -> None:
    """Its last process may take a moment to leave."""
    for _ in range(50):
        try:
            group.rmdir()
            return
        except OSError as error:
            if error.errno != errno.EBUSY:
                return
            time.sleep(0.02)
