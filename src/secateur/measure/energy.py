"""Energy that the processor itself counts (Intel's and AMD's RAPL, as Linux shows it)."""

from __future__ import annotations

import time
from pathlib import Path

from secateur.errors import StepFailed
from secateur.measure.entries import Entry
from secateur.measure.helper import Helper
from secateur.records import Measured

ROOT = Path("/sys/class/powercap")
SECONDS = 3.0


class Counter:
    """The packages' counters. Raises StepFailed, with the reason, where there are none or they cannot be read."""

    def __init__(self, root: Path = ROOT) -> None:
        packages = sorted(p for p in root.glob("intel-rapl:*") if p.name.count(":") == 1) if root.is_dir() else []
        if not packages:
            raise StepFailed("energy was not measured: this machine counts none (no RAPL)")
        self.packages = packages
        try:
            self.last = [self._read(p) for p in packages]
        except PermissionError as error:
            raise StepFailed("energy was not measured: its counters are readable by root alone") from error

    def joules(self) -> float:
        """Since the last call, or the beginning; counters that began anew are followed."""
        now = [self._read(p) for p in self.packages]
        spent = 0
        for package, new, old in zip(self.packages, now, self.last, strict=True):
            around = int((package / "max_energy_range_uj").read_text(encoding="utf-8")) if new < old else 0
            spent += new - old + around
        self.last = now
        return spent / 1e6

    @staticmethod
    def _read(package: Path) -> int:
        return int((package / "energy_uj").read_text(encoding="utf-8"))


def energy(entry: Entry, threads: int = 1, seconds: float = SECONDS, root: Path = ROOT) -> Measured:
    """Joules a photo at batch 1, above what the machine takes at rest just before.

    Raises StepFailed where the machine counts none, or the file does not run.
    """
    counter = Counter(root)
    helper = Helper(entry.file, entry.runtime, threads)
    try:
        said = helper.hello()
        said = said if "error" in said else helper.ask(batch=1, runs=5, before=10)
        if "error" in said:
            raise StepFailed(f"{entry.file.name}: {said['error']}")
        calls = max(int(seconds * 1e9 / min(said["ns"])), 1)
        counter.joules()
        began = time.monotonic()
        time.sleep(seconds)
        rest = counter.joules() / (time.monotonic() - began)
        began = time.monotonic()
        helper.ask(batch=1, runs=calls)
        passed = time.monotonic() - began
        spent = counter.joules() - rest * passed
    finally:
        helper.close()
    how = f"RAPL over {calls} calls, less {rest:.1f} W at rest"
    doubts = ("the whole processor's: what else ran is in it",)
    return Measured(max(spent, 0.0) / calls, "joules", n=calls, how=how, doubts=doubts)
