"""A folder that `secateur export` made, where nothing else is: a fresh virtual environment with numpy, Pillow and
onnxruntime alone. Prints what its script says, its wall time and the peak memory of its process, and of the same
interpreter with the three libraries imported and nothing done.

    secateur export RUN --model NAME --out FOLDER && python benchmarks/handed.py FOLDER PHOTO …
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

LIBRARIES = ("numpy", "pillow", "onnxruntime")
ROUNDS = 5
# Runs a command and prints seconds and peak bytes of it alone; nothing of the environment is imported here.
MEASURE = """
import json, resource, subprocess, sys, time
began = time.monotonic()
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
took = time.monotonic() - began
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
print(json.dumps({"took": took, "peak": peak, "code": done.returncode, "said": done.stdout, "wrong": done.stderr}))
"""


def measured(python: Path, *words: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(python), *words], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    if found["code"]:
        sys.exit(found["wrong"])
    return found


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", type=Path)
    asked.add_argument("photos", type=Path, nargs="+")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as home:
        copy = Path(home, "copy")
        shutil.copytree(given.folder, copy)
        subprocess.run([sys.executable, "-m", "venv", f"{home}/env"], check=True)
        python = Path(home, "env", "bin", "python")
        subprocess.run([python, "-m", "pip", "install", "--quiet", *LIBRARIES], check=True)
        names = [str(p.resolve()) for p in given.photos]
        idle = "import numpy, PIL.Image, onnxruntime"
        rounds = [
            (measured(python, str(copy / "predict.py"), *names), measured(python, "-c", idle)) for _ in range(ROUNDS)
        ]
    print(rounds[0][0]["said"], end="")
    for name, at in (("predict.py", 0), ("imports alone", 1)):
        took = [r[at]["took"] for r in rounds]
        peak = [r[at]["peak"] / 2**20 for r in rounds]
        print(
            f"{name}: {statistics.median(took):.2f} s [{min(took):.2f}, {max(took):.2f}], "
            f"peak {statistics.median(peak):.0f} MiB [{min(peak):.0f}, {max(peak):.0f}], n {ROUNDS}"
        )


if __name__ == "__main__":
    main()
