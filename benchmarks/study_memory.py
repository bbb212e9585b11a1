"""Anonymous memory of a whole study, with few photos and with ten times as many.

Claim: the peak of RssAnon at 100 px is flat within 5 % from 2,000 to 20,000 photos, and under 1.5 GiB. Pixels are
memory-mapped: the system counts them as file pages and drops them when it needs the room. Each study runs in a
fresh process, sampled ten times a second with all its children; one epoch of dense, one of a cut network: more
of the same adds time and no memory.

    python benchmarks/study_memory.py --photos FOLDER [--few 2000] [--many 20000] [--px 100]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from secateur.measure.machine import machine


def anonymous(process: psutil.Process) -> int:
    """RssAnon in bytes, of a process and its children."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            status = Path(f"/proc/{one.pid}/status").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("RssAnon"))
    return total


def peak(folder: str, photos: int, px: int) -> int:
    """Of `secateur study` from scan to report."""
    with tempfile.TemporaryDirectory() as runs:
        words = (
            f"--backbone cnn --photos {photos} --input-px {px} --epochs 1 --retrain-epochs 1 --seeds 0 --sparsities 0.9"
        )
        words += " --methods filter-l1 --no-controls"
        command = [sys.executable, "-m", "secateur", "study", folder, *words.split(), "--budget", "", "--runs", runs]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as child:
            process, highest = psutil.Process(child.pid), 0
            while child.poll() is None:
                try:
                    highest = max(highest, anonymous(process))
                except psutil.NoSuchProcess:
                    break
                time.sleep(0.1)
            said = child.stderr.read() if child.stderr else ""
        if child.returncode:
            raise SystemExit(said)
    return highest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", required=True, help="folder of class folders")
    parser.add_argument("--few", type=int, default=2000)
    parser.add_argument("--many", type=int, default=20000)
    parser.add_argument("--px", type=int, default=100)
    given = parser.parse_args()
    few, many = (peak(given.photos, n, given.px) for n in (given.few, given.many))
    print(f"{machine().cpu}, {given.px} px")
    print(f"peak RssAnon: {few / 2**20:,.0f} MiB at {given.few:,} photos, {many / 2**20:,.0f} MiB at {given.many:,}")
    print(f"ratio {many / few:.3f}")


if __name__ == "__main__":
    main()
