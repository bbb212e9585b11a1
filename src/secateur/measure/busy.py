"""What else the machine did while something was timed, and whether its clock stood still."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

BUSY = 0.15  # of a core, by others
MOVED = 0.1  # of the processor's clock, between its extremes
GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


@dataclass(slots=True)
class Watch:
    """Look at the beginning, now and then, and at the end; `own` is the processor time of what is being timed."""

    began: float = field(default_factory=lambda: time.monotonic())
    busy: float = field(default_factory=lambda: _busy()[0])
    stolen: float = field(default_factory=lambda: _busy()[1])
    load: float = field(default_factory=lambda: psutil.getloadavg()[0])
    clocks: list[float] = field(default_factory=list)  # MHz

    def look(self) -> None:
        """Note the clock."""
        with contextlib.suppress(OSError, RuntimeError):  # some Macs and virtual machines have none to tell
            found = psutil.cpu_freq() if hasattr(psutil, "cpu_freq") else None
            if found and found.current:
                self.clocks.append(found.current)

    def doubts(self, own: float) -> tuple[str, ...]:
        """In words; `own`: seconds of processor time."""
        passed = max(time.monotonic() - self.began, 1e-9)
        busy, stolen = _busy()
        others = (busy - self.busy - own) / passed
        said = []
        if others > BUSY:
            said.append(f"the machine was busy: others used {others:.1f} cores (load {self.load:.1f} at the beginning)")
        if (stolen - self.stolen) / passed > BUSY:
            said.append(f"the machine's host took {(stolen - self.stolen) / passed:.1f} cores away")
        if self.clocks and max(self.clocks) - min(self.clocks) > MOVED * max(self.clocks):
            said.append(f"the clock moved between {min(self.clocks):.0f} and {max(self.clocks):.0f} MHz")
        governor = _text(GOVERNOR)
        if governor and governor != "performance":
            said.append(f"the processor's governor is '{governor}', not 'performance': its clock follows the load")
        return tuple(said)


def _busy() -> tuple[float, float]:
    """(seconds of processor time used by all, seconds that a host took), since the machine began."""
    t = psutil.cpu_times()
    stolen = getattr(t, "steal", 0.0)
    idle = t.idle + getattr(t, "iowait", 0.0)
    guests = getattr(t, "guest", 0.0) + getattr(t, "guest_nice", 0.0)  # counted in user and nice as well
    return sum(t) - idle - stolen - guests, stolen


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
